package spec

import (
	"detgen/record"
	"detgen/scenario/value"
)

// transportKeys are the last parts of transport.KEY and transport.HOST.KEY.
var transportKeys = []control[record.Transport]{
	{value.Definition{Name: "mtu", Type: value.Int, Min: "576", Max: "65535", Law: "choice(1500, 1492, 1400, 1280, 576)", Normal: "1500", Doc: "largest IP packet of the interfaces, bytes"},
		func(t *record.Transport, v value.Value) { t.MTU = int(v.Number()) }},
	{value.Definition{Name: "offload", Type: value.Bool, Normal: "false", Doc: "segmentation and receive offloads"},
		func(t *record.Transport, v value.Value) { t.Offload = v.True() }},
	{value.Definition{Name: "congestion", Type: value.String, Normal: "the kernel's", Doc: "TCP congestion control: reno, cubic, bbr, ... (net.ipv4.tcp_congestion_control)", Check: oneWord},
		func(t *record.Transport, v value.Value) { t.Congestion = v.Plain() }},
	{value.Definition{Name: "sack", Type: value.Bool, Normal: "true", Doc: "selective acknowledgements (net.ipv4.tcp_sack)"},
		func(t *record.Transport, v value.Value) { t.SACK = v.True() }},
	{value.Definition{Name: "timestamps", Type: value.Bool, Normal: "true", Doc: "TCP timestamps (net.ipv4.tcp_timestamps)"},
		func(t *record.Transport, v value.Value) { t.Timestamps = v.True() }},
	{value.Definition{Name: "ecn", Type: value.Int, Min: "0", Max: "2", Normal: "2", Doc: "explicit congestion notification (net.ipv4.tcp_ecn): 0 never, 1 ask, 2 when asked"},
		func(t *record.Transport, v value.Value) { t.ECN = int(v.Number()) }},
	{value.Definition{Name: "window_scaling", Type: value.Bool, Normal: "true", Doc: "TCP window scaling (net.ipv4.tcp_window_scaling)"},
		func(t *record.Transport, v value.Value) { t.WindowScaling = v.True() }},
	{value.Definition{Name: "receive_buffer", Type: value.Bytes, Min: "0B", Max: "1GB", Law: "choice(65536B, 262144B, 1048576B, 6291456B, 33554432B)", Normal: "6291456B", Doc: "largest receive buffer of a TCP connection, which also decides the window scale in its SYN (the last number of net.ipv4.tcp_rmem); 0B is the kernel's: 6291456B in Linux 6.12, 33554432B in 6.18"},
		func(t *record.Transport, v value.Value) { t.ReceiveBuffer = int(v.Number()) }},
	{value.Definition{Name: "initial_cwnd", Type: value.Int, Min: "0", Max: "1000", Law: "uniform(1, 40)", Normal: "0", Doc: "initial congestion window, segments; 0 is the kernel's (10)"},
		func(t *record.Transport, v value.Value) { t.InitialCwnd = int(v.Number()) }},
	{value.Definition{Name: "initial_rwnd", Type: value.Int, Min: "0", Max: "1000", Law: "uniform(2, 80)", Normal: "0", Doc: "initial receive window, segments; 0 is the kernel's"},
		func(t *record.Transport, v value.Value) { t.InitialRwnd = int(v.Number()) }},
	{value.Definition{Name: "no_metrics_save", Type: value.Bool, Normal: "true", Doc: "connections do not learn from earlier ones (net.ipv4.tcp_no_metrics_save)"},
		func(t *record.Transport, v value.Value) { t.NoMetricsSave = v.True() }},
	{value.Definition{Name: "ephemeral_ports", Type: value.String, Normal: "32768-60999", Doc: "range of ports for outgoing connections (net.ipv4.ip_local_port_range)",
		Check: func(s string) error { _, err := portRange(s); return err }},
		func(t *record.Transport, v value.Value) { t.EphemeralPorts, _ = portRange(v.Plain()) }}, // checked before
	{value.Definition{Name: "ttl", Type: value.Int, Min: "0", Max: "255", Law: "choice(64, 128, 255)", Normal: "0", Doc: "IP time to live; 0 is the kernel's (64)"},
		func(t *record.Transport, v value.Value) { t.TTL = int(v.Number()) }},
	{value.Definition{Name: "icmp_limit", Type: value.Bool, Normal: "true", Doc: "at most one ICMP error a second to an address (net.ipv4.icmp_ratelimit)"},
		func(t *record.Transport, v value.Value) { t.NoICMPLimit = !v.True() }},
	{value.Definition{Name: "syn_cookies", Type: value.Bool, Normal: "true", Doc: "SYN cookies when the queue of half-open connections is full (net.ipv4.tcp_syncookies)"},
		func(t *record.Transport, v value.Value) { t.NoSYNCookies = !v.True() }},
	{value.Definition{Name: "syn_ack_retries", Type: value.Int, Min: "0", Max: "255", Law: "uniform(1, 6)", Normal: "0", Doc: "how often a SYN is answered anew (net.ipv4.tcp_synack_retries); 0 is the kernel's (5)"},
		func(t *record.Transport, v value.Value) { t.SYNACKRetries = int(v.Number()) }},
	{value.Definition{Name: "ipv6", Type: value.Bool, Normal: "false", Doc: "IPv6 and its neighbour discovery"},
		func(t *record.Transport, v value.Value) { t.IPv6 = v.True() }},
}
