package replay

import "net"

// quiet cannot tell here: maxPlainIdle is what there is.
func quiet(net.Conn) bool { return true }
