package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"detgen/internal/plain"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// choice is a flag that is parsed when it is read, so that a wrong value is refused before the command begins.
type choice[T fmt.Stringer] struct {
	to    *T
	parse func(string) (T, error)
}

// choose adds a flag whose text parse reads into to; what is in to is the default.
func choose[T fmt.Stringer](cmd *cobra.Command, to *T, parse func(string) (T, error), name, usage string) {
	cmd.Flags().Var(choice[T]{to, parse}, name, usage)
}

func (c choice[T]) String() string {
	if c.to == nil {
		return ""
	}
	return (*c.to).String()
}

func (c choice[T]) Set(text string) (err error) {
	*c.to, err = c.parse(text)
	return err
}

func (choice[T]) Type() string { return "string" }

// badFlag is the error of a flag. What a choice says of its value needs no more than the flag's name.
func badFlag(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "string" {
		err = fmt.Errorf("--%s: %w", invalid.GetFlag().Name, invalid.Unwrap())
	}
	return badRequest(err)
}

// named wants one or more arguments, and says of what.
func named(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s: name %s", cmd.Name(), what)
		}
		return nil
	}
}

// isSet tells whether a command has a flag, and it is given.
func isSet(cmd *cobra.Command, flag string) bool {
	set, err := cmd.Flags().GetBool(flag)
	return err == nil && set
}

// printResult prints a result as the text that a person reads, or with --json as indented JSON.
func printResult(cmd *cobra.Command, result any, text func(io.Writer) error) error {
	if !isSet(cmd, "json") {
		return text(cmd.OutOrStdout())
	}
	e := json.NewEncoder(plain.JSON(cmd.OutOrStdout()))
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(result)
}

// printLine prints one of several results: as text, or with --json as a line.
func printLine(cmd *cobra.Command, result any, text func(io.Writer) error) error {
	if !isSet(cmd, "json") {
		return text(cmd.OutOrStdout())
	}
	return json.NewEncoder(plain.JSON(cmd.OutOrStdout())).Encode(result)
}

// printFindings prints a report. That it has faults is an error.
func printFindings(cmd *cobra.Command, report interface {
	WriteText(io.Writer) error
	Faults() int
}) error {
	err := printResult(cmd, report, report.WriteText)
	if n := report.Faults(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d faults", n))
	}
	return err
}
