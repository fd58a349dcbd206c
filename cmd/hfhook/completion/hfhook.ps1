# Completion of hfhook for PowerShell.
Register-ArgumentCompleter -Native -CommandName 'hfhook', 'hfhook.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = $commandAst.CommandElements[0].Extent.Text.Trim('"', "'")
    $words = @()
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        if ($element.Value -is [string]) { $words += $element.Value } else { $words += $element.Extent.Text }
    }
    $typed = ($words + $wordToComplete.TrimStart('"', "'")) -join "`n"
    # What PowerShell sends and reads is else in the encoding of old consoles.
    $OutputEncoding = New-Object System.Text.UTF8Encoding $false
    $before = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = $OutputEncoding
        $lines = @($typed | & $program __complete powershell 2>$null)
    } finally {
        [Console]::OutputEncoding = $before
    }
    if ($lines.Count -eq 0) { return '' } # nothing, and no names of files either
    if ($lines[0] -eq ':files') { return }
    foreach ($line in $lines) {
        $value, $about = $line -split "`t", 2
        if (-not $about) { $about = $value }
        $text = $value
        if ($text -notmatch '^[A-Za-z0-9_./:=+~-]+$') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)
    }
}
