"""The checksum of TensorFlow's files: of records, and of the tables of checkpoints."""

from crc32c import crc32c


def masked_crc(data: bytes | memoryview) -> int:
    """CRC-32C rotated right by 15 bits plus 0xa282ead8: a CRC of data that holds CRCs would otherwise be weak."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
