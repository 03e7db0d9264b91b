"""Makes pictures with a trained StyleGAN: python generate.py --network=RUN_DIR --seeds=0-31"""

import sys

from stylegan_tf.programs.figures import main

if __name__ == "__main__":
    sys.exit(main())
