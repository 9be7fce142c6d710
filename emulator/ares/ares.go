// Package ares speaks the command channel of Ares, a public botnet of the kind that polls a web
// server (github.com/sweetsoftware/Ares): server, agent and operator. What the three say is
// Ares's HTTP interface; what the agent can do is a list of harmless answers that it makes up itself.
// It executes nothing.
//
//	agent     POST /api/ID/hello   JSON: platform, hostname, username; the answer is a command, or nothing
//	          POST /api/ID/report  form: output
//	          POST /api/ID/upload  a file (multipart, field "uploaded")
//	          GET  /uploads/FILE
//	operator  POST /login          form: password; the answer sets the cookie "session"
//	          GET  /agents         the agents that have said hello
//	          POST /api/ID/push    form: cmdline
//	          GET  /api/ID/stdout  all that the agent has reported
//	          POST /api/mass_execute  form: selection (agents), delete
package ares

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"detgen/lab/inside"
)

// answerMost is how much of an answer is read at most, in bytes; files may be larger.
const answerMost = 1 << 20

// exitOrder ends an agent.
const exitOrder = "exit"

// prompt begins what an agent reports of an order.
func prompt(order string) string { return "$ " + order + "\n" }

// channel is a client of the server.
type channel struct {
	base      *url.URL
	userAgent string
	client    *http.Client
	session   *http.Cookie
}

// newChannel gives a client of the server at the address http://HOST:PORT, which must be a host of
// the lab. Without keepAlive each request has a connection of its own, as Ares's have.
func newChannel(address, userAgent string, keepAlive bool) (*channel, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" || base.Host == "" || base.Path != "" {
		return nil, fmt.Errorf("--server %q: want http://HOST:PORT", address)
	}
	if err := inside.LabHost(base.Hostname()); err != nil {
		return nil, fmt.Errorf("--server: %w", err)
	}
	return &channel{base: base, userAgent: userAgent, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: !keepAlive, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}}, nil
}

// send sends a request and gives the answer, whose status is below 400 and whose body the caller
// closes.
func (c *channel) send(method, path, contentType string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequest(method, c.base.String()+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept", "*/*")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.session != nil {
		request.AddCookie(c.session)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		response.Body.Close()
		return nil, fmt.Errorf("%s %s: %w %d", method, path, errStatus, response.StatusCode)
	}
	return response, nil
}

var errStatus = errors.New("the server answers with status")

// text sends a request and gives the text of the answer.
func (c *channel) text(method, path, contentType string, body io.Reader) (string, error) {
	response, err := c.send(method, path, contentType, body)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, answerMost))
	return string(content), err
}

// post sends a form and gives the text of the answer.
func (c *channel) post(path string, form url.Values) (string, error) {
	return c.text(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}
