package record

import "fmt"

// Direction is one of the two ways over an interface.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // from the host into its network
	Down Direction = "down" // from the network to the host
)

// ParseDirection reads "up" or "down".
func ParseDirection(text string) (Direction, error) {
	switch d := Direction(text); d {
	case Up, Down:
		return d, nil
	}
	return "", fmt.Errorf("direction %q: must be up or down", text)
}

// UnmarshalText reads what ParseDirection reads.
func (d *Direction) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDirection(string(text))
	return err
}
