package truth_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

// A tap shows each frame once, when it has left its sender's link and before it gets to a receiver's: by the log of the
// links, in number and order of content, and by the frames that the hosts sent.
func TestATapShowsEachFrameOnceAtTheSwitch(t *testing.T) {
	for _, c := range []struct {
		name string
		link record.Link
	}{
		{"loss and duplication", record.Link{Delay: record.Duration(2e6), Jitter: record.Duration(1e6), Loss: 0.03, Duplicate: 0.03}},
		{"corruption", record.Link{Delay: record.Duration(2e6), Loss: 0.02, Corrupt: 0.03, Reorder: 0.02}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := threeHosts(c.link, 200_000, 2)
			run.Networks[0].Tap = true
			dir, rec := execute(t, run)
			if err := truth.Label(dir, rec); err != nil {
				t.Fatal(err)
			}
			if s := rec.Result.Truth; s.Explained != 1 || s.Unsent != 0 {
				t.Errorf("summary %+v", s)
			}
			frames, corrupted, copies := intoTheSwitch(t, dir)
			var tapped, damaged, again int
			seen := map[string]bool{} // frames as they were sent, by capture and number
			packets := labtest.Rows(t, filepath.Join(dir, truth.PacketsFile))
			for _, p := range packets {
				if p["direction"] != "tapped" {
					continue
				}
				tapped++
				sent := p["peer_capture"] + " " + p["peer_number"]
				if p["capture"] != "captures/tap-lan.pcap" || p["peer_number"] == "" || p["activity"] != "main" || p["delay"] == "" || p["up_queue"] == "" {
					t.Errorf("tapped frame %s: %v", p["number"], p)
				}
				switch p["fate"] {
				case "corrupted":
					damaged++
				case "duplicate":
					again++
				}
				if (p["fate"] == "duplicate" || p["fate"] == "corrupted" && p["copy"] != "1") != seen[sent] {
					t.Errorf("tapped frame %s is a %s, and its frame was seen before: %v", p["number"], p["fate"], seen[sent])
				}
				seen[sent] = true
			}
			if tapped != frames || damaged != corrupted || again != copies {
				t.Errorf("%d frames tapped, %d of them corrupted, %d copies; the links' log says %d, %d, %d", tapped, damaged, again, frames, corrupted, copies)
			}
			for _, p := range packets {
				if p["direction"] == "received" && !seen[p["peer_capture"]+" "+p["peer_number"]] {
					t.Errorf("%s frame %s came without having been at the tap", p["capture"], p["number"])
				}
				up := strings.Contains(p["cause"], p["src_host"]+".up lost")
				if p["direction"] == "sent" && p["fate"] == "lost" && seen[p["capture"]+" "+p["number"]] == up {
					t.Errorf("%s frame %s, lost by %s, was at the tap: %v", p["capture"], p["number"], p["cause"], !up)
				}
			}
			for _, v := range labtest.Rows(t, filepath.Join(dir, truth.TappedFile)) {
				n := 0
				for _, p := range packets {
					if p["direction"] == "tapped" && p["connection"] == v["id"] && p["fate"] != "corrupted" {
						n++
					}
				}
				client, _ := strconv.Atoi(v["client_packets"])
				server, _ := strconv.Atoi(v["server_packets"])
				if v["tap"] != "lan" || v["class"] != "benign" || client+server < n || client+server > n+corrupted || v["Total Fwd Packet"] == "" {
					t.Errorf("connection %s at the tap has %d + %d packets, its rows are %d: %v", v["id"], client, server, n, v)
				}
			}
			out, err := exec.Command("tshark", "-r", filepath.Join(dir, "captures/tap-lan.pcap"), "--disable-protocol", "gryphon", // of port 7000
				"-o", "tcp.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE", "-Y", "_ws.malformed || tcp.checksum.status == 0 && tcp.checksum != 0xffff").Output()
			if err != nil {
				t.Fatal(err)
			}
			if wrong := strings.Count(string(out), "\n"); wrong > corrupted {
				t.Errorf("tshark finds %d frames wrong, %d were corrupted:\n%s", wrong, corrupted, out)
			}
		})
	}
}

// intoTheSwitch counts in the log of the links what came into the switch.
func intoTheSwitch(t *testing.T, dir string) (frames, corrupted, copies int) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, record.LinkLogFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log, err := record.ReadLinkLog(file, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]bool{}
	for i := range log.Events {
		e := &log.Events[i]
		if log.Lines[e.Line].Direction != record.Up || e.Out == 0 {
			continue
		}
		frames++
		number := fmt.Sprint(e.Line, " ", e.Frame)
		switch {
		case e.Marks&record.Corrupted != 0:
			corrupted++
		case first[number]:
			copies++
		}
		first[number] = true
	}
	return frames, corrupted, copies
}
