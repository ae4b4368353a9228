# Target ipsec_mb: intel-ipsec-mb, which comes without pkg-config or CMake files of its own. When it is
# not there, or not one whose functions we know, MESHNODE_IPSEC_MB is off and GnuTLS does all.
if(MESHNODE_IPSEC_MB)
  include(CheckCXXSourceCompiles)
  find_path(IPSEC_MB_INCLUDE intel-ipsec-mb.h)
  find_library(IPSEC_MB_LIBRARY NAMES IPSec_MB)
  mark_as_advanced(IPSEC_MB_INCLUDE IPSEC_MB_LIBRARY)
  if(IPSEC_MB_INCLUDE AND IPSEC_MB_LIBRARY)
    set(CMAKE_REQUIRED_INCLUDES ${IPSEC_MB_INCLUDE})
    set(CMAKE_REQUIRED_LIBRARIES ${IPSEC_MB_LIBRARY})
    check_cxx_source_compiles("
      #include <intel-ipsec-mb.h>
      int main() {
        IMB_MGR* manager = alloc_mb_mgr(0);
        init_mb_mgr_auto(manager, nullptr);
        aes_gcm_enc_dec_t seal = manager->gcm256_enc;
        aes_gcm_pre_t expand = manager->gcm256_pre;
        return seal && expand && (manager->features & IMB_FEATURE_SELF_TEST_PASS) ? 0 : 1;
      }" IPSEC_MB_FITS)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
  endif()
  if(IPSEC_MB_FITS)
    add_library(ipsec_mb INTERFACE)
    target_include_directories(ipsec_mb SYSTEM INTERFACE ${IPSEC_MB_INCLUDE})
    target_link_libraries(ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
  else()
    message(STATUS "intel-ipsec-mb not found: AES by GnuTLS only (Debian: libipsec-mb-dev)")
    set(MESHNODE_IPSEC_MB OFF)
  endif()
endif()
