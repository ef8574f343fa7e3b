// OpenSSL's digests, under a name that a module map can refer to wherever they are installed.
#include <openssl/evp.h>
