#!/bin/bash
# Two members behind home routers of the usual kind meet through a hub, punch, and outlive it.
#
#     a ── ga ──┐          ┌── gb ── b      ga, gb: EI mapping, APD filtering
#               └── inet ──┘
#                    └── hub
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
gateway port-restricted ga
behind a ga
gateway port-restricted gb
behind b gb
start_hub
capture hub eth0 at-hub udp
at_hub=$capture_pid
capture inet any wire udp
wire=$capture_pid

key=$("$meshctl" genkey)
start_node a --bootstrap "$hub_at" --key "$key" --address 10.99.0.1/24
start_node b --bootstrap "$hub_at" --key "$key" --address 10.99.0.2/24
up a b
wait_for 5 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"
ping_well b "$(overlay4 a)"
