package wire

import (
	"strings"
)

// JavaClass is the Java class of a value, as the messages of the engines name it.
func JavaClass(n *Node) string {
	switch n.Kind {
	case StringKind:
		return "java.lang.String"
	case BoolKind:
		return "java.lang.Boolean"
	case ArrayKind:
		return "java.util.ArrayList"
	case NumberKind:
		if strings.ContainsAny(n.Text, ".eE") {
			return "java.lang.Double"
		}
		return "java.lang.Integer"
	case ObjectKind:
		return "java.util.HashMap"
	}
	return "null"
}

// JavaText is a value as Java writes maps and lists into messages.
func JavaText(n *Node) string {
	var b strings.Builder
	writeJava(&b, n)
	return b.String()
}

// LongestText bounds the part of a value that goes into a message.
const LongestText = 2000

func writeJava(b *strings.Builder, n *Node) {
	if b.Len() > LongestText {
		return
	}
	switch n.Kind {
	case ArrayKind:
		b.WriteByte('[')
		for i := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJava(b, &n.Items[i])
		}
		b.WriteByte(']')
	case ObjectKind:
		b.WriteByte('{')
		for i := range n.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(n.Members[i].Name)
			b.WriteByte('=')
			writeJava(b, &n.Members[i].Node)
		}
		b.WriteByte('}')
	case NullKind:
		b.WriteString("null")
	default:
		b.WriteString(n.Text)
	}
}
