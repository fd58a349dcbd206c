package payload

import "encoding/json"

// Decode reads the body of a delivery. It fails only on bytes that are no JSON
// object; whatever else is odd is found in Problems.
func Decode(body []byte) (*Payload, error) {
	p := &Payload{Raw: body}
	if err := json.Unmarshal(body, p); err != nil {
		return nil, err
	}
	return p, nil
}
