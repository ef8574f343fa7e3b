// libpng's own header, under a name that a module map can refer to wherever it is installed.
#include <png.h>
