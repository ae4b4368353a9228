mesh_test(unit_discovery LABEL unit
  SOURCES
    discovery_beacon_open_test.cpp
    discovery_beacon_speak_test.cpp
    discovery_bootstraps_test.cpp
    discovery_bootstraps_offers_test.cpp
    discovery_candidates_test.cpp
    discovery_directory_keys_test.cpp
    discovery_directory_test.cpp
    discovery_gossip_crowd_test.cpp
    discovery_gossip_test.cpp
    discovery_introductions_test.cpp
    discovery_netcheck_test.cpp
    discovery_own_record_test.cpp
    discovery_path_book_test.cpp
    discovery_path_book_more_test.cpp
    discovery_path_book_random_test.cpp
    discovery_path_choice_test.cpp
    discovery_path_figures_test.cpp
    discovery_path_mtu_test.cpp
    discovery_path_quality_test.cpp
    discovery_path_roaming_test.cpp
    discovery_probe_budget_test.cpp
    discovery_probe_keys_test.cpp
    discovery_reachability_test.cpp
    discovery_records_test.cpp
    discovery_servers_test.cpp
    discovery_silence_test.cpp
    discovery_sorted_pages_test.cpp
    discovery_spoken_test.cpp
    discovery_stun_client_test.cpp
    discovery_stun_substitutes_test.cpp
    discovery_stun_service_test.cpp
  DEPENDS mesh_discovery)
# Alone: it replaces operator new.
mesh_test(unit_discovery_memory LABEL unit
  SOURCES discovery_memory_test.cpp
  DEPENDS mesh_discovery)
