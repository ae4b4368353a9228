"""Medians, the table at the end, and how the figures stand to what was promised."""
import statistics

COLUMNS = [  # heading, measures (shown with a slash), format
    ("TCP x1 >/<", ("tcp1_out_gbps", "tcp1_in_gbps"), "{:.2f}"),
    ("x4 >/<", ("tcp4_out_gbps", "tcp4_in_gbps"), "{:.2f}"),
    ("both", ("tcp1_both_gbps",), "{:.2f}"),
    ("CPU x1", ("tcp1_out_cpu_s_per_gb",), "{:.2f}"),
    ("x4", ("tcp4_out_cpu_s_per_gb",), "{:.2f}"),
    ("flood", ("udp_flood_kpps",), "{:.0f}"),
    ("lossless", ("udp_lossless_kpps",), "{:.0f}"),
    ("us/pkt", ("udp_100k_cpu_us",), "{:.1f}"),
    ("RTT idle", ("rtt_idle_us",), "{:.0f}"),
    ("loaded p50/p95", ("rtt_load_median_ms", "rtt_load_p95_ms"), "{:.1f}"),
    ("RSS", ("rss_mb",), "{:.0f}"),
]
UNITS = ("TCP in Gbit/s, CPU in seconds of both tunnel ends per GB, 64-byte UDP in thousand packets a"
         " second,\nus/pkt: CPU of both ends per packet at 100 kpps, RTT idle in us with all on one"
         " CPU, loaded in ms, RSS in MB of the larger end")


def medians(rounds):
    """[{measure: value}] -> {measure: median}"""
    names = {name for results in rounds for name in results}
    return {name: statistics.median([results[name] for results in rounds if name in results])
            for name in sorted(names)}


def cell(values, names, form):
    parts = [form.format(values[name]) if name in values else "-" for name in names]
    return "-" if set(parts) == {"-"} else "/".join(parts)


def table(subjects):
    """subjects: {name: medians}"""
    rows = [["", *(heading for heading, _, _ in COLUMNS)]]
    for name, values in subjects.items():
        rows.append([name, *(cell(values, names, form) for _, names, form in COLUMNS)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                               for i, (text, width) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def best_peer(subjects, measure, best):
    found = [(values[measure], name) for name, values in subjects.items()
             if not name.startswith(("meshnode", "raw")) and measure in values]
    return best(found) if found else None


def against_peers(subjects):
    """One line per measure: ours, and the best of the others."""
    ours = subjects.get("meshnode")
    if not ours:
        return
    for measure, best, what in [
            ("tcp1_out_gbps", max, "TCP x1, Gbit/s"), ("tcp4_out_gbps", max, "TCP x4, Gbit/s"),
            ("tcp1_out_cpu_s_per_gb", min, "CPU s/GB"), ("udp_flood_kpps", max, "flood, kpps"),
            ("udp_lossless_kpps", max, "lossless, kpps"), ("rtt_load_median_ms", min, "loaded RTT, ms"),
            ("rtt_idle_us", min, "idle RTT, us"), ("rss_mb", min, "RSS, MB")]:
        peer = best_peer(subjects, measure, best)
        if peer is None or measure not in ours:
            continue
        first = ours[measure] >= peer[0] if best is max else ours[measure] <= peer[0]
        yield f"{what}: meshnode {ours[measure]:.2f}, best other {peer[0]:.2f} ({peer[1]})" \
              f"{'' if first else '  <- not first'}"


def targets(subjects, dumb):
    """(what, measured, kept) for what was promised and could be measured."""
    def of(name, measure):
        return subjects.get(name, {}).get(measure)

    def limit(what, value, bound, at_least):
        if value is not None:
            kept = value >= bound if at_least else value <= bound
            yield what, f"{value:.2f}", kept

    def ratio(what, peer, bound):
        ours, theirs = of("meshnode", "tcp1_out_gbps"), of(peer, "tcp1_out_gbps")
        if ours and theirs:
            yield what, f"{ours / theirs:.2f}", ours / theirs >= bound

    times = 2 if dumb else 2.5
    yield from ratio(f"TCP at least {times} x wireguard-go 2023", "wireguard-go 2023", times)
    if not dumb:
        yield from ratio("TCP at least 8 x wireguard-go 2022", "wireguard-go 2022", 8)
        yield from limit("tunnel CPU s/GB with GnuTLS <= 1.25",
                         of("meshnode-gnutls", "tcp1_out_cpu_s_per_gb"), 1.25, False)
        yield from limit("tunnel CPU s/GB with VAES <= 0.85",
                         of("meshnode", "tcp1_out_cpu_s_per_gb"), 0.85, False)
        yield from limit("TCP Gbit/s >= 6.5", of("meshnode", "tcp1_out_gbps"), 6.5, True)
        yield from limit("64-byte kpps flooded >= 500", of("meshnode", "udp_flood_kpps"), 500, True)
        yield from limit("64-byte kpps without loss >= 200",
                         of("meshnode", "udp_lossless_kpps"), 200, True)
    ours, raw = of("meshnode", "rtt_idle_us"), of("raw", "rtt_idle_us")
    if ours and raw:
        yield from limit("idle RTT on one CPU, us above raw <= 30", ours - raw, 30, False)
    yield from limit("RTT beside a bulk flow, ms <= 3", of("meshnode", "rtt_load_median_ms"), 3, False)
    yield from limit("RSS MB <= 20", of("meshnode", "rss_mb"), 20, False)
