# cmake -DFROM=source -DTO=copy -P plant.cmake: copies a production file with the bugs of planted.h in
# it. Whoever changes a line that carries one gets told here, and moves it.
get_filename_component(name ${FROM} NAME)
file(READ ${FROM} text)
set(planted 0)

function(plant old new)
  string(FIND "${text}" "${old}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "tests/sim/planted/plant.cmake: ${name} has no '${old}' any more: find the "
                        "bug another line")
  endif()
  string(REPLACE "${old}" "${new}" text "${text}")
  set(text "${text}" PARENT_SCOPE)
  math(EXPR planted "${planted} + 1")
  set(planted ${planted} PARENT_SCOPE)
endfunction()

if(name STREQUAL "rx_pump.cpp")
  plant("if (!key.window.mark(header.counter))"
        "if (!planted::is(planted::Bug::no_replay_mark) && !key.window.mark(header.counter))")
  plant("if (!session_.key->window.would_accept(header->counter)) return drops_.count(Drop::replayed);"
        "if (!session_.key->window.would_accept(header->counter)) return drops_.count(Drop::replayed);
  if (planted::is(planted::Bug::roam_before_tag))
    arrival.out.events.push_back({.kind = PumpEvent::Kind::new_endpoint,
                                  .peer = session_.key->slot->peer, .session = header->receiver,
                                  .path = arrival.run.path, .bytes = {}});")
elseif(name STREQUAL "tx_pump.cpp")
  plant("void operator()(const UseKey& c) { pump.peers_[c.peer].key = &pump.keys_.at(c.local_index); }"
        "void operator()(const UseKey& c) {
      Key*& key = pump.peers_[c.peer].key;
      if (planted::is(planted::Bug::counter_reuse) && key != nullptr)
        key->counter = 0;
      else
        key = &pump.keys_.at(c.local_index);
    }")
elseif(name STREQUAL "engine.cpp")
  plant("    case Kind::new_endpoint:
"
        "    case Kind::new_endpoint:
      if (planted::is(planted::Bug::roam_before_tag)) {
        peer->published_path = event.path;
        emit(dataplane::SlotChange{dataplane::SetPath{peer->number, event.path}});
        return;
      }
")
elseif(name STREQUAL "engine_records.cpp")
  plant("      case Refusal::known:"
        "      case Refusal::known:
        if (Peer* neighbour = planted::is(planted::Bug::gossip_echo) ? roster_.by_number(from) : nullptr)
          say(now, *neighbour, wire::ControlType::record, bytes);
        return;")
elseif(name STREQUAL "engine_handshake.cpp")
  plant("const bool ours_wins = self_.identity.id < init.peer.id &&"
        "const bool ours_wins = (planted::is(planted::Bug::lost_tie_break) || self_.identity.id < init.peer.id) &&")
endif()

if(planted EQUAL 0)
  message(FATAL_ERROR "plant.cmake knows no bug for ${name}")
endif()
file(WRITE ${TO} "#include \"tests/sim/planted/planted.h\"\n#line 1 \"${FROM}\"\n${text}")
