"""What tells what is wrong with a router that has no working Python: runs on MicroPython, changes nothing."""
