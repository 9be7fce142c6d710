package vm

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"detgen/engine"
	"detgen/engine/internal/qmp"
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
		_, err := e.Run(t.Context(), &record.Run{Hosts: []record.Host{c.host}}, engine.Options{})
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

// TestInsert gives a machine two images that share a layer: that is inserted once, and each image is what its host wants.
func TestInsert(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	var did []string
	go func() {
		fmt.Fprintln(theirs, `{"QMP": {}}`)
		var c struct {
			Execute   string
			Arguments map[string]any
			ID        int
		}
		for commands := json.NewDecoder(theirs); ; fmt.Fprintf(theirs, `{"return": {}, "id": %d}`, c.ID) {
			c.Arguments = nil
			if commands.Decode(&c) != nil {
				return
			}
			did = append(did, fmt.Sprint(c.Execute, " ", c.Arguments["node-name"], " ", c.Arguments["scsi-id"]))
		}
	}()
	control, err := qmp.New(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	m := &machine{control: control}
	for _, image := range []string{"ac", "bc", "ac"} {
		var layers, want []string
		for _, name := range image {
			layers, want = append(layers, fmt.Sprintf("/cache/%c/layer.erofs", name)), append(want, string(name))
		}
		if err := m.insert(t.Context(), layers); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.layers, want) {
			t.Errorf("image %s: layers %v", image, m.layers)
		}
	}
	want := []string{
		"qmp_capabilities <nil> <nil>",
		"blockdev-add layer-a <nil>", "device_add <nil> 0", "blockdev-add layer-c <nil>", "device_add <nil> 1",
		"blockdev-add layer-b <nil>", "device_add <nil> 2",
	}
	if !slices.Equal(did, want) {
		t.Errorf("commands %q", did)
	}
}
