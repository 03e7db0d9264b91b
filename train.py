"""Trains a StyleGAN: python train.py --config=F --dataset=DIR"""

import sys

from stylegan_tf.programs.train import main

if __name__ == "__main__":
    sys.exit(main())
