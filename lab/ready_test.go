package lab

import (
	"strings"
	"testing"
)

func TestAServiceThatMayNotGetsAHint(t *testing.T) {
	for _, c := range []struct {
		printed      string
		capabilities []string
		want         string
	}{
		{"Can't open /etc/redis/redis.conf: Permission denied", []string{"SETUID"}, "DAC_OVERRIDE"},
		{"Can't open /etc/redis/redis.conf: Permission denied", []string{"DAC_OVERRIDE"}, ""},
		{"chown: Operation not permitted", nil, "capabilities"},
		{"address already in use", nil, ""},
	} {
		got := refused(c.printed, c.capabilities)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q with %v: %q, want %q in it", c.printed, c.capabilities, got, c.want)
		}
	}
}
