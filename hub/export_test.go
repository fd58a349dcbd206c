package hub

var ExpandPath = expandPath
