package material

import (
	"encoding/base32"
	"testing"
)

// The example is from Syncthing's documentation of device IDs and its test of their form.
func TestDeviceID(t *testing.T) {
	hash, err := base32.StdEncoding.DecodeString("P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ====")
	if err != nil {
		t.Fatal(err)
	}
	want := "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
	if got := deviceID([32]byte(hash)); got != want {
		t.Errorf("device ID %s, want %s", got, want)
	}
}
