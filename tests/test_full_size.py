"""The largest published network, 1024x1024, in NVIDIA's format with random weights: read, used, kept as ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import official_files
import pytest

from stylegan_tf.configs.presets import F
from stylegan_tf.networks.kinds import make

ROOT = Path(__file__).parents[1]
MOST_MEMORY = 3e9  # bytes, of the whole process
# A process of its own, so that its memory is that of reading the file.
SCRIPT = """
import json, resource, sys, time
import numpy as np
import stylegan_tf
began = time.monotonic()
nets = stylegan_tf.load(sys.argv[1])
seconds = time.monotonic() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
assert None not in nets
z = np.random.RandomState(5).randn(1, 512)
image = nets.Gs(z).numpy()
nets.Gs.save(sys.argv[2])
again = stylegan_tf.load(sys.argv[2]).Gs
print(json.dumps({
    "seconds": seconds,
    "memory": memory,
    "shape": image.shape,
    "varied": float(image.std()),
    "finite": bool(np.isfinite(image).all()),
    "equal": bool(np.array_equal(image, again(z).numpy())),
    "parameters": sum(int(np.prod(v.shape)) for v in nets.Gs.trainable_variables),
    "score": list(nets.D(image).shape),
}))
"""


@pytest.mark.slow
def test_1024(tmp_path):
    networks = {role: make(F.D if role == "D" else F.G, seed) for seed, role in enumerate(("G", "D", "Gs"))}
    path = official_files.write(tmp_path / "full.pkl", networks)
    assert path.stat().st_size > 300e6
    command = [sys.executable, "-c", SCRIPT, str(path), str(tmp_path / "Gs.keras")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(told)
    assert told["shape"] == [1, 1024, 1024, 3] and told["score"] == [1, 1]
    assert told["finite"] and told["varied"] > 0 and told["equal"]
    assert told["parameters"] == 26_219_627
    assert told["memory"] < MOST_MEMORY
