"""Makes and checks data sets: python dataset_tool.py COMMAND --help (stylegan_tf/programs/dataset_tool.py)"""

import sys

from stylegan_tf.programs.dataset_tool import main

if __name__ == "__main__":
    sys.exit(main())
