import { runCommand } from "clickstream/config";
import { runMe } from "clickstream/job";

await runCommand(runMe);
