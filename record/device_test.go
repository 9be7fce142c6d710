package record

import "testing"

func TestDevicesThatAHostCanHave(t *testing.T) {
	for name, allowed := range map[string]bool{"net/tun": true, "mem": false, "kvm": false, "vda": false, "fuse": false, "../net/tun": false, "": false} {
		if err := CheckDevice(name); (err == nil) != allowed {
			t.Errorf("%q: got %v, allowed %v", name, err, allowed)
		}
	}
}
