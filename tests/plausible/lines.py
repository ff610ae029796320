"""Where a file's rows begin and end."""

from tests.plausible import case, given

HEAD = "school;id;q1;q2;q3\n"
ROWS = "101;a1;Agree;Agree;Neutral\n102;a2;Disagree;Agree;Neutral\n"
READ = {"joy_1": [4, 2], "joy_3": [3, 3]}

KINDS = {
    "a line that names the delimiter": {
        "given": given("csv_sep_line", values=READ, aside={}),
        "comma": case({"pre.csv": ("sep=,\n" + HEAD + ROWS).replace(";", ",")}, values=READ),
        "tab": case({"pre.csv": ("sep=\t\n" + HEAD + ROWS).replace(";", "\t")}, values=READ),
        "capitals and a mark": case({"pre.csv": "\ufeffSEP=;\r\n" + HEAD + ROWS}, values=READ),
        "utf-16": case({"pre.csv": ("sep=;\n" + HEAD + ROWS).encode("utf-16")}, values=READ),
    },
}
