"""Multi-resolution data sets in the official format: `<dir>/<name>-rNN.tfrecords`, NN = log2 of the resolution.

Each record is a tf.train.Example with 'shape' int64 [C, H, W] and 'data', the raw uint8 pixels in that order. Records
of compressed sets, which the official code does not read, have a third feature 'encoding', b"png" or b"gzip": then
'data' is a PNG file, or gzip of the raw pixels. Labels, where there are any, are `<name>-rxx.labels`: np.save of
float32 [N, label_size], in record order. dataset.json says where a set came from. This file is the door: what other
packages use is named here.
"""

from stylegan_tf.data.compression import COMPRESSIONS
from stylegan_tf.data.describe import Info, Labels, info, labels
from stylegan_tf.data.encoding import encode_levels
from stylegan_tf.data.example_proto import decode, encode
from stylegan_tf.data.framing import offsets, write_record
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.reading import pictures, read_pictures
from stylegan_tf.data.verifying import Report, verify
from stylegan_tf.data.writing import Writer, check_target

__all__ = [
    "COMPRESSIONS",
    "DataSet",
    "Info",
    "Labels",
    "Report",
    "Writer",
    "check_target",
    "decode",
    "encode",
    "encode_levels",
    "info",
    "labels",
    "offsets",
    "open_data_set",
    "pictures",
    "read_pictures",
    "verify",
    "write_record",
]
