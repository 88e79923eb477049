#!/bin/sh
# Takes out of an installation what the service never reads: tests of libraries, languages of Babel other than its two,
# sources and types of extensions and, where `strip` is at hand, symbols for debuggers. Give it the directory:
#     deploy/container/slim.sh /opt/distrib/lib/python3.11/site-packages
# The records of pip then name files that are gone, which pip does not mind. Whoever runs it twice changes nothing more.
set -eu
packages=${1:?"usage: slim.sh SITE-PACKAGES"}
[ -d "$packages/babel/locale-data" ] || { echo "slim.sh: there is no distrib with its libraries in $packages" >&2; exit 1; }

find "$packages" -type d \( -name tests -o -path "$packages/numpy/f2py" \) -prune -exec rm -rf {} +
find "$packages/babel/locale-data" -name '*.dat' ! -name 'root.dat' ! -name 'en*.dat' ! -name 'zh*.dat' -exec rm -f {} +
find "$packages" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) -exec rm -f {} +

# What lies under *.libs was edited after it was linked; it is left as it is. A file that others share is not touched.
command -v strip >/dev/null || { echo "slim.sh: no strip here; symbols stay" >&2; exit 0; }
find "$packages" -type d -name '*.libs' -prune -o -type f -name '*.so' -print | while IFS= read -r extension; do
    strip --strip-unneeded -o "$extension.slim" "$extension"
    mv -f "$extension.slim" "$extension"
done
