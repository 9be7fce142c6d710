package link

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"
)

func TestSoftCarriesFrames(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	openLinks(t, Soft, 1, a, b)
	var server net.PacketConn
	inHost(t, b, func() (err error) {
		server, err = net.ListenPacket("udp4", "10.0.0.2:9")
		return err
	})
	defer server.Close()
	var client net.Conn
	inHost(t, a, func() (err error) {
		client, err = net.Dial("udp4", "10.0.0.2:9")
		return err
	})
	defer client.Close()
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	got := make([]byte, 100)
	n, _, err := server.ReadFrom(got)
	if err != nil || string(got[:n]) != "hello" {
		t.Fatalf("received %q, %v; want \"hello\"", got[:n], err)
	}
}

// iperf runs a TCP transfer of the given seconds between two hosts and prints what iperf3 says.
func iperf(t testing.TB, a, b Port, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	server := exec.CommandContext(ctx, "iperf3", "-s", "-1", "--forceflush")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	inHost(t, b, server.Start)
	buf := make([]byte, 100)
	out.Read(buf)
	go func() {
		for {
			if _, err := out.Read(buf); err != nil {
				return
			}
		}
	}()
	client := exec.CommandContext(ctx, "iperf3", append([]string{"-c", "10.0.0.2"}, args...)...)
	inHost(t, a, func() error {
		o, err := client.CombinedOutput()
		t.Logf("%s", o)
		return err
	})
	server.Wait()
}

func TestSoftSpeed(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	d := openLinks(t, Soft, 1, a, b)
	iperf(t, a, b, "-t", "3")
	t.Log(d.Results())
}
