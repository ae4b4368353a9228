mesh_test(unit_crypto LABEL unit
  SOURCES
    crypto_aead_test.cpp
    crypto_hash_test.cpp
    crypto_noise_test.cpp
    crypto_passphrase_test.cpp
    crypto_random_test.cpp
    crypto_suite_test.cpp
  DEPENDS mesh_crypto)
