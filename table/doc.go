// Package table writes tables with typed columns to CSV (RFC 4180) or Parquet files. Rows are
// built in batches, by as many goroutines as there are batches, and written in the order in
// which the batches are handed over; a file appears under its name when it is complete.
package table
