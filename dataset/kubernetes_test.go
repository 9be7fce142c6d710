package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestKubernetesExample reads the example of an Indexed Job with Kubernetes's own types, in which an unknown field is an
// error, and looks at what it must ask for: as many shards as it has completions, and no privilege.
func TestKubernetesExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "examples", "kubernetes", "dataset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var job batch.Job
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		t.Fatal(err)
	}
	if job.APIVersion != batch.SchemeGroupVersion.String() || job.Kind != "Job" || job.Name == "" {
		t.Errorf("it is %s %s %q", job.APIVersion, job.Kind, job.Name)
	}
	if job.Spec.CompletionMode == nil || *job.Spec.CompletionMode != batch.IndexedCompletion || job.Spec.Completions == nil || job.Spec.Parallelism == nil {
		t.Fatalf("no Indexed Job: %+v", job.Spec)
	}
	pod := job.Spec.Template.Spec
	if pod.RestartPolicy != core.RestartPolicyOnFailure && pod.RestartPolicy != core.RestartPolicyNever {
		t.Errorf("restartPolicy is %q, which a Job cannot have", pod.RestartPolicy)
	}
	if pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot {
		t.Error("it may run as root")
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("it shares namespaces with the node")
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	if c.Name == "" || c.Image == "" {
		t.Errorf("a container named %q of image %q", c.Name, c.Image)
	}
	if s := c.SecurityContext; s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Privileged != nil && *s.Privileged ||
		s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0 {
		t.Errorf("it asks for privileges: %+v", s)
	}
	if i := slices.Index(c.Args, "--shard"); i < 0 || i+1 == len(c.Args) || c.Args[i+1] != fmt.Sprintf("env/%d", *job.Spec.Completions) {
		t.Errorf("%d completions, and arguments %v", *job.Spec.Completions, c.Args)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("there is no volume %q", m.Name)
		}
	}
}
