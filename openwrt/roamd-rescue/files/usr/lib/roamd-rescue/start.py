import sys

from openwrt.rescue.__main__ import main

sys.exit(main(sys.argv[1:]))
