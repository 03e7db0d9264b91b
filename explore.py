"""Opens a page on this machine to play with a trained StyleGAN: python explore.py --network=RUN_DIR"""

import sys

from stylegan_tf.programs.explore import main

if __name__ == "__main__":
    sys.exit(main())
