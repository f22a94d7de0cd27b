"""Package files for OpenWrt, written without its SDK: .ipk (opkg) and .apk version 3.

Pure but for `tree` and `__main__`: the writers take a `Package` and return octets.
"""
