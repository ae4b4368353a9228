mesh_test(unit_crypto LABEL unit
  SOURCES
    crypto_aead_test.cpp
    crypto_frame_cipher_test.cpp
    crypto_hash_test.cpp
    crypto_noise_test.cpp
    crypto_passphrase_test.cpp
    crypto_random_test.cpp
    crypto_suite_test.cpp
  DEPENDS mesh_crypto)
if(MESHNODE_IPSEC_MB)
  target_compile_definitions(unit_crypto PRIVATE MESHNODE_IPSEC_MB=1)
endif()
