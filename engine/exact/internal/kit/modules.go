package kit

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// wanted are the kernel modules of the guest, in the order in which they are loaded; the
// modules that they depend on come before them. The guest has no module loader: what is not
// here is not there.
var wanted = []string{
	// the job page and the images
	"crc32c_generic", "nfit", "nd_pmem", "erofs", "overlay",
	// networks and links
	"veth", "bridge", "ifb", "tun", "dummy",
	"sch_netem", "sch_tbf", "sch_htb", "sch_prio", "sch_ingress", "sch_fq", "sch_fq_codel", "sch_codel", "sch_red",
	"cls_matchall", "cls_u32", "act_mirred",
	// socket tables
	"unix_diag", "inet_diag", "tcp_diag", "udp_diag", "raw_diag", "af_packet_diag",
	// congestion control
	"tcp_bbr", "tcp_bic", "tcp_cdg", "tcp_dctcp", "tcp_highspeed", "tcp_htcp", "tcp_hybla", "tcp_illinois",
	"tcp_lp", "tcp_nv", "tcp_scalable", "tcp_vegas", "tcp_veno", "tcp_westwood", "tcp_yeah",
	// packet filter and address translation
	"nf_tables", "nf_conntrack", "nft_ct", "nft_limit", "nft_nat", "nft_masq", "nft_redir",
	"nft_reject_inet", "nft_chain_nat",
}

// CongestionControls are the names of what the guest's TCP can be told to use, sorted: the
// modules, and those that are part of the kernel.
func CongestionControls() []string {
	names := []string{"cubic", "reno"}
	for _, module := range wanted {
		if name, ok := strings.CutPrefix(module, "tcp_"); ok && name != "diag" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// module is one kernel module: its ELF file and what its information section says.
type module struct {
	name    string
	file    []byte
	depends []string
}

// parseModule reads the .modinfo section, a list of "key=value" texts (include/linux/module.h,
// MODULE_INFO).
func parseModule(name string, file []byte) (module, error) {
	m := module{name: name, file: file}
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return m, fmt.Errorf("kernel module %s: %w", name, err)
	}
	section := f.Section(".modinfo")
	if section == nil {
		return m, fmt.Errorf("kernel module %s: no .modinfo section", name)
	}
	info, err := section.Data()
	if err != nil {
		return m, fmt.Errorf("kernel module %s: %w", name, err)
	}
	for text := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(text, "depends="); ok && list != "" {
			m.depends = strings.Split(list, ",")
		}
	}
	return m, nil
}

// moduleName gives the name by which the kernel knows the module in a file: "a/b/nd-x.ko.xz"
// is nd_x.
func moduleName(path string) (name string, ok bool) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	base, ok = strings.CutSuffix(strings.TrimSuffix(base, ".xz"), ".ko")
	return strings.ReplaceAll(base, "-", "_"), ok
}

// loadOrder gives the modules of names and everything that they depend on, each after its
// dependencies. Names in builtin are part of the kernel and are left out.
func loadOrder(names []string, builtin map[string]bool, load func(name string) (module, error)) ([]module, error) {
	var order []module
	var visiting []string
	done := map[string]bool{}
	var visit func(string) error
	visit = func(name string) error {
		if done[name] || builtin[name] {
			return nil
		}
		if slices.Contains(visiting, name) {
			return fmt.Errorf("kernel modules depend on each other: %s", strings.Join(append(visiting, name), " -> "))
		}
		visiting = append(visiting, name)
		m, err := load(name)
		if err != nil {
			return err
		}
		for _, d := range m.depends {
			if err := visit(d); err != nil {
				return err
			}
		}
		visiting = visiting[:len(visiting)-1]
		done[name] = true
		order = append(order, m)
		return nil
	}
	for _, name := range names {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}
