package record

import "testing"

func TestCheckCapability(t *testing.T) {
	for name, ok := range map[string]bool{
		"NET_RAW": true, "CHOWN": true,
		"SYS_ADMIN": false, "SYS_MODULE": false, "SYS_PTRACE": false, "MKNOD": false, "SYS_RAWIO": false, "BPF": false,
		"CAP_NET_RAW": false, "net_raw": false, "": false, "ALL": false,
	} {
		if err := CheckCapability(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
