// Reads the Parquet tables of a dataset with DuckDB, and prints what is in them:
//   detgen dataset build PLAN -o DIR --format parquet
//   npm ci && node load_dataset.js DIR
// The same SQL does in every program that has DuckDB.
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

const folder = process.argv[2];
const table = (name) => `'${path.join(folder, name).replaceAll("'", "''")}'`;
const database = await (await DuckDBInstance.create(":memory:")).connect();
const rows = async (query) => (await database.runAndReadAll(query)).getRowsJson();

// Splits are by run, so no run is in two of them.
const [[torn]] = await rows(`
  SELECT count(*) FROM (
    SELECT run FROM ${table("connections.parquet")} GROUP BY run HAVING count(DISTINCT split) > 1)`);
if (torn !== "0") throw new Error(`${torn} runs are in more than one split`);

for (const [split, label, connections] of await rows(`
  SELECT split, label, count(*) FROM ${table("connections.parquet")} GROUP BY ALL ORDER BY ALL`)) {
  console.log(`${split}  ${label}  ${connections} connections`);
}
// Factors are columns of runs.csv, for packets a join away.
for (const [task, packets, bytes] of await rows(`
  SELECT runs.scenario || '/' || runs.task, count(*), sum(packets.length)
  FROM ${table("packets.parquet")} AS packets JOIN ${table("runs.csv")} AS runs USING (run)
  GROUP BY ALL ORDER BY ALL`)) {
  console.log(`${task}  ${packets} packets  ${bytes} bytes`);
}
const [[from, to]] = await rows(`SELECT min(time), max(time) FROM ${table("packets.parquet")}`);
console.log(`from ${from} to ${to}`);
