package vm

import (
	"strings"
	"testing"

	"detgen/record"
)

// TestRefuses asks for what the machines cannot do: nothing may start.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		host record.Host
		want string
	}{
		{record.Host{Name: "client", Transport: record.Transport{Offload: true}}, `host "client": the vm engine has no offloads`},
		{record.Host{Name: "client", Transport: record.Transport{IPv6: true}}, `host "client": the vm engine cannot say which program sent over IPv6`},
		{record.Host{Name: "client", CPU: 0.5}, `host "client": the vm engine does not limit a host's CPU`},
	} {
		e := &Engine{}
		_, err := e.Run(t.Context(), &record.Run{Hosts: []record.Host{c.host}}, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if e.supervisor != nil {
			t.Error("a supervisor was started")
		}
	}
}

func TestHardware(t *testing.T) {
	for _, c := range []struct {
		info string
		want bool
	}{
		{"processor\t: 0\nflags\t\t: fpu vme vmx sse2\n", true},
		{"flags\t\t: fpu svm\n", true},
		{"flags\t\t: fpu vme hypervisor\nbugs\t\t: vmx_something\n", false},
		{"vmx flags\t: vnmi\nflags\t\t: fpu\n", false},
	} {
		if got := hardware.MatchString(c.info); got != c.want {
			t.Errorf("%q: %v, want %v", c.info, got, c.want)
		}
	}
}

func TestSerialNumberFitsADisk(t *testing.T) {
	const folder = "0edd6b0025123b90492b24aeccc2ef5138e21e10b18b8f3a7ab3c1ffbc9c6909"
	if got, want := serialNumber("/cache/images/"+folder+"/layer.erofs"), folder[:20]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
