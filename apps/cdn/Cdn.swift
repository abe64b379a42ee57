// `cdn URL`: a caching proxy in front of a media URL.

@main
enum Cdn {
    static func main() {}
}
