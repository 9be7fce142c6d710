package truth

import (
	"slices"
	"testing"

	"detgen/record"
)

func TestSentFramesAreFoundInTheLog(t *testing.T) {
	tests := []struct {
		name    string
		capture []uint32 // checksums of the sent frames
		log     []uint32 // of the frames that came on the link, from number 1
		want    []int32  // index in the capture, by number
		strange []int
	}{
		{"same order", []uint32{7, 8, 9}, []uint32{7, 8, 9}, []int32{-1, 0, 1, 2}, nil},
		{"two sent at once", []uint32{7, 8, 9, 10}, []uint32{8, 7, 9, 10}, []int32{-1, 1, 0, 2, 3}, nil},
		{"dropped by the device", []uint32{7, 8, 9}, []uint32{7, 9}, []int32{-1, 0, 2}, []int{1}},
		{"equal frames", []uint32{7, 8, 7}, []uint32{7, 7, 8}, []int32{-1, 0, 2, 1}, nil},
		{"not captured", []uint32{7, 9}, []uint32{7, 8, 9}, []int32{-1, 0, -1, 1}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &record.LinkLog{}
			numbers := []int32{-1}
			for i, sum := range tt.log {
				log.Events = append(log.Events, record.LinkEvent{Frame: uint32(i) + 1, Sum: sum})
				numbers = append(numbers, int32(i))
			}
			c := &Capture{sums: tt.capture}
			for range tt.capture {
				c.Frames = append(c.Frames, Frame{Sent: true})
			}
			g := &joinedLog{LinkLog: log, up: [][]int32{numbers}, frames: make([][]int32, 1)}
			g.findSent(0, c)
			if !slices.Equal(g.frames[0], tt.want) || !slices.Equal(c.strange, tt.strange) {
				t.Errorf("frames %v, strange %v; want %v, %v", g.frames[0], c.strange, tt.want, tt.strange)
			}
		})
	}
}
