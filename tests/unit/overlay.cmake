mesh_test(unit_overlay LABEL unit
  SOURCES
    overlay_agenda_test.cpp
    overlay_edge_choice_test.cpp
    overlay_gate_test.cpp
    overlay_gate_load_test.cpp
    overlay_handshake_test.cpp
    overlay_handshake_bytes_test.cpp
    overlay_handshake_refusal_test.cpp
    overlay_icmp_test.cpp
    overlay_identity_test.cpp
    overlay_invitations_test.cpp
    overlay_network_test.cpp
    overlay_peer_table_test.cpp
    overlay_questions_test.cpp
    overlay_roster_test.cpp
    overlay_staging_test.cpp
  DEPENDS mesh_overlay)
