// Package browser lets tests look at pages as people do: with Debian's chromium, its console, its keyboard, and the checks of
// accessibility that axe-core makes.
package browser

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Browser is a window of chromium. It ends with its test.
type Browser struct {
	t       *testing.T
	ctx     context.Context
	profile string
	scheme  string // of colours

	mu     sync.Mutex
	errors []string // of the console, and requests that go elsewhere
	allow  []string // beginnings of addresses that a page may ask for
}

// limit is how long one thing may take on a machine that does much else.
const limit = 3 * time.Minute

// Open starts chromium with a profile of its own. Pages may load what begins with one of the addresses, and nothing else.
func Open(t *testing.T, addresses ...string) *Browser {
	t.Helper()
	profile := t.TempDir()
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(profile), chromedp.WindowSize(width, 900), chromedp.WSURLReadTimeout(limit),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "1"),
	)
	ctx, end := chromedp.NewContext(ctx)
	b := &Browser{t: t, ctx: ctx, profile: profile, allow: append(addresses, "data:", "blob:", "about:")}
	var listeners sync.WaitGroup
	t.Cleanup(func() {
		end()
		stop()
		listeners.Wait()
	})
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	messages, requests := chromedp.Console(ctx), chromedp.Events(ctx, network.RequestWillBeSent)
	listeners.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException {
				b.note(m.String() + " " + m.URL)
			}
		}
	})
	listeners.Go(func() {
		for r, err := range requests {
			if err != nil {
				return
			}
			if !b.allowed(r.Request.URL) {
				b.note("request of " + r.Request.URL)
			}
		}
	})
	return b
}

func (b *Browser) allowed(address string) bool {
	for _, beginning := range b.allow {
		if strings.HasPrefix(address, beginning) {
			return true
		}
	}
	return false
}

func (b *Browser) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errors = append(b.errors, text)
}

// Errors gives what went wrong in pages since it was asked last.
func (b *Browser) Errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.errors
	b.errors = nil
	return list
}

// width is that of the window and of pictures, dots.
const width = 1100

// do runs an action, within the limit.
func do[T any](b *Browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, limit)
	defer stop()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// Go opens a page and waits until its script has run.
func (b *Browser) Go(address string) {
	b.t.Helper()
	do(b, chromedp.Navigate(address))
	b.Wait("document.documentElement.dataset.ready === 'yes'")
}

// Wait waits until a condition holds in the page.
func (b *Browser) Wait(condition string) {
	b.t.Helper()
	script := `new Promise((done) => { const look = () => (` + condition + `) ? done(true) : requestAnimationFrame(look); look(); })`
	ctx, stop := context.WithTimeout(b.ctx, limit)
	defer stop()
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise))
		if err == nil {
			return
		}
		// A page that gives way to another one takes the question with it: the next one is asked.
		if ctx.Err() != nil || !strings.Contains(err.Error(), "navigated or closed") && !strings.Contains(err.Error(), "context was destroyed") && !strings.Contains(err.Error(), "Cannot find context") {
			b.t.Fatalf("wait for %s: %v", condition, err)
		}
	}
}

// Eval gives the value of a script.
func Eval[T any](b *Browser, script string) T {
	b.t.Helper()
	return do(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Keys presses keys, one after the other.
func (b *Browser) Keys(keys string) {
	b.t.Helper()
	do(b, chromedp.KeyEvent(keys))
}

// Point moves the pointer to a place of the window.
func (b *Browser) Point(x, y float64) {
	b.t.Helper()
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// Click presses and lets go of the pointer's button at a place of the window.
func (b *Browser) Click(x, y float64) {
	b.t.Helper()
	b.Point(x, y)
	do(b, chromedp.MouseClickXY(x, y))
}

// Drag presses the pointer's button at one place, moves it to another in steps, each of which the page draws, and lets go.
func (b *Browser) Drag(x0, y0, x1, y1 float64, steps int) {
	b.t.Helper()
	b.Point(x0, y0)
	button := func(kind input.DispatchMouseEventType, x, y float64) {
		if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}); err != nil {
			b.t.Fatal(err)
		}
	}
	button(input.DispatchMouseEventTypeMousePressed, x0, y0)
	for i := 1; i <= steps; i++ {
		share := float64(i) / float64(steps)
		button(input.DispatchMouseEventTypeMouseMoved, x0+share*(x1-x0), y0+share*(y1-y0))
		Eval[bool](b, `new Promise((done) => requestAnimationFrame(() => done(true)))`)
	}
	button(input.DispatchMouseEventTypeMouseReleased, x1, y1)
}

// Dark says which colours the user's system has.
func (b *Browser) Dark(dark bool) {
	b.t.Helper()
	b.scheme = "light"
	if dark {
		b.scheme = "dark"
	}
	b.media("")
}

// media shows the page as on a medium, "" for the screen.
func (b *Browser) media(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: b.scheme}}}); err != nil {
		b.t.Fatal(err)
	}
}

// Picture is the page as it looks, from its top.
func (b *Browser) Picture(height int) image.Image {
	b.t.Helper()
	beyond := true
	r, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: width, Height: float64(height), Scale: 1}})
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := png.Decode(bytes.NewReader(r.Data))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// Compare compares a picture, in grey and a quarter as wide and high, with the one at path, or writes that when update is set.
// share is how many of the blocks of 8 by 8 dots of the page may differ clearly: letters are not drawn the same on every machine.
func Compare(t *testing.T, path string, page image.Image, update bool, share float64) {
	t.Helper()
	got := reduced(page)
	if update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, got); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoded, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := decoded.(*image.Gray)
	if !ok || got.Bounds() != want.Bounds() {
		t.Fatalf("%s: the picture is %v large, not %v in grey", path, got.Bounds().Size(), decoded.Bounds().Size())
	}
	if d := different(got, want); d > share {
		t.Errorf("%s: %.1f %% of the picture looks different, more than %.1f %%", path, 100*d, 100*share)
	}
}

// reduction is by how much the kept pictures are smaller than the page.
const reduction = 4

// reduced gives a smaller picture in 16 shades of grey, which packs well.
func reduced(page image.Image) *image.Gray {
	size := page.Bounds().Size()
	small := image.NewGray(image.Rect(0, 0, size.X/reduction, size.Y/reduction))
	for y := range small.Rect.Dy() {
		for x := range small.Rect.Dx() {
			var sum uint32
			for dy := range reduction {
				for dx := range reduction {
					r, g, b, _ := page.At(reduction*x+dx, reduction*y+dy).RGBA()
					sum += (r + g + b) / 3 >> 8
				}
			}
			small.SetGray(x, y, color.Gray{Y: uint8(sum/(reduction*reduction)) / 17 * 17})
		}
	}
	return small
}

// block is the side of the squares in which reduced pictures are compared.
const block = 2

// different gives the share of squares whose mean brightness is not about the same.
func different(a, b *image.Gray) float64 {
	size := a.Bounds().Size()
	differ, all := 0, 0
	for y := 0; y+block <= size.Y; y += block {
		for x := 0; x+block <= size.X; x += block {
			all++
			if d := brightness(a, x, y) - brightness(b, x, y); d > 24 || d < -24 {
				differ++
			}
		}
	}
	return float64(differ) / float64(max(all, 1))
}

// brightness is the mean of a square, from 0 to 255.
func brightness(p *image.Gray, x0, y0 int) int {
	sum := 0
	for y := y0; y < y0+block; y++ {
		for x := x0; x < x0+block; x++ {
			sum += int(p.GrayAt(x, y).Y)
		}
	}
	return sum / (block * block)
}
