"""Measures a trained StyleGAN: python run_metrics.py --metrics=fid50k,ls --network=RUN_DIR"""

import sys

from stylegan_tf.programs.metrics import main

if __name__ == "__main__":
    sys.exit(main())
