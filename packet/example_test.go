package packet_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"detgen/packet"
)

// A capture is read frame by frame.
func ExampleReader() {
	capture := []byte{
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0, // raw IP
		1, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28, 0, 0, 0,
		0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 53, 0, 80, 0, 8, 0, 0,
	}
	r, err := packet.NewReader(bytes.NewReader(capture))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	var f packet.Frame
	var h packet.Headers
	for {
		if err := r.Next(&f); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		packet.Decode(&f, &h)
		fmt.Println(f.Number, h.Source(), h.SrcPort, h.Destination(), h.DstPort)
	}
	// Output: 1 10.0.0.1 53 10.0.0.2 80
}
