// Package agent is the guest's init: detgen itself, as the first and only program of the
// virtual machine. It prepares the machine, pauses it for the snapshot, and, in every run that
// starts from the snapshot, takes a task from the page device, runs the lab and leaves the
// results there.
package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"detgen/engine/exact/internal/page"
	"detgen/engine/exact/internal/qemu"
	"detgen/lab"
	"detgen/lab/inside/program"
)

// Marker is the environment variable that the kernel's command line hands to init.
const Marker = "DETGEN_GUEST"

// Is reports whether this process is the init of a guest.
func Is() bool { return os.Getpid() == 1 && os.Getenv(Marker) != "" }

// Main is the whole life of the guest. It does not return.
func Main() {
	// What goes wrong is said on the console, whose last lines the host shows when the machine
	// ends without having paused itself.
	if err := life(); err != nil {
		fmt.Println("detgen in the guest:", err)
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // which ends QEMU
	select {}
}

// Places in the guest.
const (
	runtimePath = "/usr/bin/crun"
	initPath    = "/init"
	programPath = "/inside"
	imagesDir   = "/lab/images"
	runDir      = "/lab/run"
	scratchDir  = "/lab/scratch"
)

func life() error {
	if err := prepare(); err != nil {
		return err
	}
	devices, err := findDevices()
	if err != nil {
		return err
	}
	device, err := os.OpenFile(devices[qemu.PageAddress], os.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		return fmt.Errorf("open the page device: %w", err)
	}
	buffer, err := aligned(1 << 20)
	if err != nil {
		return err
	}

	// Nothing before this line may depend on a seed, and nothing that keeps random keys for
	// the traffic of a run (the first TCP connection draws them) may happen before it.
	if err := pause(); err != nil {
		return err
	}

	task, err := readTask(device, buffer)
	if err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	if err := seedRandom(task.Entropy); err != nil {
		return fmt.Errorf("seed the random number generator: %w", err)
	}
	if err := setClock(task.Epoch); err != nil {
		return err
	}
	answer := page.Answer{}
	if task.Test != nil {
		answer = test(task.Test)
	} else {
		answer = execute(task, devices)
	}
	w := page.NewWriter(device, page.Result, buffer)
	if err := writeResults(w, answer, runDir); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	// The host takes the results from here.
	return pause()
}

// prepare makes the machine one that labs can run on.
func prepare() error {
	if err := leaveRootfs(); err != nil {
		return err
	}
	if err := mountSystem(); err != nil {
		return err
	}
	if err := loadModules(); err != nil {
		return err
	}
	if err := limitMemory(); err != nil {
		return err
	}
	for _, dir := range []string{imagesDir, runDir, scratchDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := provideProgram(); err != nil {
		return err
	}
	return os.Setenv("PATH", "/usr/bin")
}

// provideProgram makes the file of the hosts' init, once for all runs from the snapshot.
func provideProgram() error {
	if put, err := program.Put(programPath); put || err != nil {
		return err
	}
	return os.Link(initPath, programPath)
}

func readTask(device *os.File, buffer []byte) (*page.Task, error) {
	var text bytes.Buffer
	if err := page.Read(device, page.Job, buffer, &text); err != nil {
		return nil, err
	}
	task := &page.Task{}
	if err := json.Unmarshal(text.Bytes(), task); err != nil {
		return nil, err
	}
	if (task.Run == nil) == (task.Test == nil) {
		return nil, errors.New("it holds no run, or a run and a test")
	}
	return task, nil
}

// execute runs the lab.
func execute(task *page.Task, devices map[uint64]string) page.Answer {
	images, err := mountImages(task.Images, devices)
	if err != nil {
		return page.Answer{Error: err.Error()}
	}
	result, err := lab.Execute(context.Background(), task.Run, lab.Options{
		Dir: runDir, Scratch: scratchDir, Images: images, Name: "lab", Program: programPath, Runtime: runtimePath,
		Progress: func(stage string) {
			fmt.Println(page.StagePrefix + stage)
			if stage == "task" && task.Kill != "" {
				kill(task.Kill)
			}
		},
		Log: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	answer := page.Answer{Result: result}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

// test runs a program of the tests as root of the guest.
func test(t *page.Test) page.Answer {
	path := filepath.Join(runDir, "test")
	err := errors.Join(os.WriteFile(path, t.Program, 0o755), tunDevice())
	var output []byte
	if err == nil {
		output, err = exec.Command(path, t.Args...).CombinedOutput()
	}
	err = errors.Join(err, os.Remove(path)) // what is left in the folder are results
	answer := page.Answer{Output: string(output)}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

// kill kills the processes with an argument.
func kill(argument string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file) // of one that has ended there is none
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && slices.Contains(strings.Split(string(line), "\x00"), argument) {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// tunDevice makes the node of the TUN driver, which links have in the machines of users.
func tunDevice() error {
	if err := os.MkdirAll("/dev/net", 0o755); err != nil {
		return err
	}
	err := unix.Mknod("/dev/net/tun", unix.S_IFCHR|0o600, int(unix.Mkdev(10, 200)))
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// mountImages mounts the layers of all images, each once.
func mountImages(images map[string][]int, devices map[uint64]string) (map[string][]string, error) {
	mounted := map[int]string{}
	dirs := map[string][]string{}
	for digest, slots := range images {
		for _, slot := range slots {
			dir, ok := mounted[slot]
			if !ok {
				dir = filepath.Join(imagesDir, strconv.Itoa(slot))
				mounted[slot] = dir
				if err := mount("erofs", devices[qemu.SlotAddress(slot)], dir, unix.MS_RDONLY, ""); err != nil {
					return nil, fmt.Errorf("image %s: %w", digest, err)
				}
			}
			dirs[digest] = append(dirs[digest], dir)
		}
	}
	return dirs, nil
}
