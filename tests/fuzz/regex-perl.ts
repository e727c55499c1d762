// Random expressions of what PCRE has beyond JavaScript, against Perl. Run by hand:
// bun tests/fuzz/regex-perl.ts [EXPRESSIONS] [SEED]
//
// Known differences, which are Perl's own: a conditional group that is repeated is given up too
// early, \R may give back its line feed, and groups keep what a look that failed set in them.
import { compileRegex } from "../../src/regex/regex.ts";
import { Chance, ExpressionMaker, makeSubject } from "./regex-maker.ts";

const [, , expressions = "5000", seed = "1"] = process.argv;
const SUBJECTS = 8;
const WORK_MAX = 10_000_000;
const SHOWN_MAX = 30;

// Reads "P pattern flags" and "S subject", in hexadecimal, and answers each line by a line.
const SERVER = `
$| = 1; no warnings; my ($re, $ok) = (qr{x}, 0);
while (my $line = <STDIN>) {
  chomp $line;
  if ($line =~ /^P (\\S*) (\\S*)$/) {
    my ($p, $f) = (pack("H*", $1), $2);
    $ok = defined eval { $re = qr/(?$f)$p/a };
    print $ok ? "ok\\n" : "no\\n";
  } elsif ($line =~ /^S (\\S*)$/) {
    my $s = pack("H*", $1);
    my $found = eval {
      local $SIG{ALRM} = sub { die }; alarm 2;
      my $is = $s =~ $re; alarm 0;
      $is ? "$-[0]+" . ($+[0] - $-[0]) : "none";
    };
    print defined $found ? $found : "error", "\\n";
  }
}`;

interface Job {
  readonly pattern: string;
  readonly flags: string;
  readonly subjects: readonly string[];
}

const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");

function makeJobs(): Job[] {
  const chance = new Chance(Number(seed));
  const maker = new ExpressionMaker(chance, true);
  return Array.from({ length: Number(expressions) }, () => ({
    pattern: maker.make(),
    flags: chance.pick(["", "i", "s", "m", "im", "x"]),
    subjects: Array.from({ length: SUBJECTS }, () => makeSubject(chance)),
  }));
}

const jobs = makeJobs();
const input = jobs
  .map(({ pattern, flags, subjects }) =>
    [`P ${hex(pattern)} ${flags}`, ...subjects.map((subject) => `S ${hex(subject)}`)].join("\n"),
  )
  .join("\n");
const { stdout } = Bun.spawnSync(["perl", "-e", SERVER], { stdin: Buffer.from(input) });
const answers = stdout.toString().split("\n").values();

const tally = { expressions: jobs.length, pairs: 0, different: 0, refused: 0, unfinished: 0 };
for (const { pattern, flags, subjects } of jobs) {
  const isTheirs = answers.next().value === "ok";
  let regex: ReturnType<typeof compileRegex> | undefined;
  try {
    regex = compileRegex(pattern, { dialect: "pcre", flags });
  } catch (error) {
    if (isTheirs) console.log("refused", pattern, String(error));
    if (isTheirs) tally.refused++;
  }
  for (const subject of subjects) {
    const theirs = answers.next().value;
    if (!isTheirs || regex === undefined || theirs === "error") continue;
    let work = 0;
    const spend = (steps: number) => {
      work += steps;
      return work <= WORK_MAX;
    };
    const found = regex.exec(Buffer.from(subject, "latin1"), 0, { spend });
    tally.pairs++;
    if (found === "unfinished") {
      tally.unfinished++;
      continue;
    }
    const ours = found === null ? "none" : `${found.start}+${found.length}`;
    if (ours === theirs) continue;
    if (++tally.different <= SHOWN_MAX) {
      console.log(`/${pattern}/${flags} ${JSON.stringify(subject)}: perl ${theirs}, gw ${ours}`);
    }
  }
}
console.log(JSON.stringify(tally));
