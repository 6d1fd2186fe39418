#include "adapters/http/link_options.h"

#include "adapters/http/address.h"
#include "adapters/http/certificates.h"
#include "adapters/http/files.h"

namespace omrsync::http {

Result<std::string> checked_base_url(const LinkOptions& options) {
  OMRSYNC_CHECK(parse_https_url(options.url));
  std::string url = options.url;
  if (url.ends_with('/')) url.pop_back();
  if (!options.authority_pin.empty()) return url;
  for (const std::filesystem::path& file : {options.ca_file, options.certificate_file}) {
    OMRSYNC_TRY(pem, read_file(file));
    if (!certificate_expiry(pem))
      return Error{Remedy::stop_node, Code::file_unreadable, file.string() + " is not a certificate in PEM form."};
  }
  OMRSYNC_CHECK(read_secret_file(options.key_file));
  return url;
}

}  // namespace omrsync::http
