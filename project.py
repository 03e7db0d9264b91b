"""Finds what a trained StyleGAN makes a picture from: python project.py --target=me.jpg --network=RUN_DIR"""

import sys

from stylegan_tf.programs.project import main

if __name__ == "__main__":
    sys.exit(main())
