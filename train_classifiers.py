"""Trains networks that say whether a face has an attribute: python train_classifiers.py --dataset=DIR"""

import sys

from stylegan_tf.programs.classifiers import main

if __name__ == "__main__":
    sys.exit(main())
